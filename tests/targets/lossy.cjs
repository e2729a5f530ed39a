// Preloaded before a server that sends with `ws`: of the text frames to each client that match LOSE, a regular
// expression, the first TIMES are not sent; without TIMES, none is.
const { createRequire } = require("node:module");
const [lose, times] = [new RegExp(process.env.LOSE), Number(process.env.TIMES ?? Infinity)];
const of = createRequire(process.argv[1]);
const load = (from) => { try { return from("ws"); } catch { return undefined; } };
const nested = () => { try { return load(createRequire(of.resolve("engine.io", { paths: [of.resolve("socket.io")] }))); } catch { return undefined; } };
for (const WebSocket of new Set([load(of), nested()].filter(Boolean))) {
  const send = WebSocket.Sender.prototype.sendFrame;
  WebSocket.Sender.prototype.sendFrame = function (list, done) {
    if (lose.test(list.map(String).join("")) && (this.lost = (this.lost ?? 0) + 1) <= times) return done && done();
    return send.call(this, list, done);
  };
}
