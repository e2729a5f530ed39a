// A plain relay behind a proxy that closes both sides once nothing has come from either for IDLE ms, as nginx does after
// its proxy_read_timeout.
const net = require("node:net");
const proxy = net.createServer((client) => {
  const upstream = net.connect(relay.address().port, "127.0.0.1");
  upstream.setTimeout(Number(process.env.IDLE), () => upstream.destroy());
  client.pipe(upstream).pipe(client);
  client.on("error", () => {}).on("close", () => upstream.destroy());
  upstream.on("error", () => {}).on("close", () => client.destroy());
});
proxy.listen();
const relay = require("./relay.cjs");
