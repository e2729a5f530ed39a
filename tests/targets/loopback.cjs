// Preloaded before a server that would listen on all interfaces: it listens on 127.0.0.1, on LOOPBACK_PORT or
// a free port, and says which.
const net = require("node:net");
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...given) {
  const ready = given.find((one) => typeof one === "function");
  this.once("listening", () => console.log("listening on " + this.address().port));
  return listen.call(this, { host: "127.0.0.1", port: Number(process.env.LOOPBACK_PORT ?? 0) }, ready);
};
