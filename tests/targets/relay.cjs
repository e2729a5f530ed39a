// A plain relay, as people write them. SHAPE in the environment: channel, global or open. MANGLE alters candidates: mdns
// replaces their addresses by names, mid their mid and m-line; bare leaves only their text, drop-host none of it.
const { WebSocketServer } = require("ws");
const shape = process.env.SHAPE;
const mangle = process.env.MANGLE;
const server = require("node:http").createServer();
const channels = new Map();
const clients = new Set();
new WebSocketServer({ server }).on("connection", (socket) => {
  clients.add(socket);
  socket.on("message", (frame) => {
    const parsed = JSON.parse(frame);
    const { open, channel, data } = parsed;
    if (!channels.has(channel)) channels.set(channel, new Set());
    const members = channels.get(channel);
    if (open) return members.add(socket);
    if (shape === "channel") members.add(socket);
    if (data?.candidate?.candidate) {
      if (mangle === "mid") Object.assign(data.candidate, { sdpMid: "audio", sdpMLineIndex: 3 });
      if (mangle === "bare") data.candidate = data.candidate.candidate;
      if (mangle === "drop-host") data.candidate.candidate = "";
    }
    let text = shape === "open" ? JSON.stringify(data) : mangle ? JSON.stringify(parsed) : frame.toString();
    if (mangle === "mdns") text = text.replace(/(candidate:\S+ \d \S+ \d+) \S+/g, "$1 b5e6.local");
    for (const other of shape === "global" ? clients : members) {
      if (other !== socket) other.send(text);
    }
  });
  socket.on("close", () => {
    clients.delete(socket);
    channels.forEach((members) => members.delete(socket));
  });
});
server.listen();
