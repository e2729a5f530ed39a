// A plain relay, as people write them. SHAPE in the environment: channel, global or open. MANGLE=mdns replaces the
// addresses of candidates by names.
const { WebSocketServer } = require("ws");
const shape = process.env.SHAPE;
const server = require("node:http").createServer();
const channels = new Map();
const clients = new Set();
new WebSocketServer({ server }).on("connection", (socket) => {
  clients.add(socket);
  socket.on("message", (frame) => {
    const { open, channel, data } = JSON.parse(frame);
    if (!channels.has(channel)) channels.set(channel, new Set());
    const members = channels.get(channel);
    if (open) return members.add(socket);
    if (shape === "channel") members.add(socket);
    let text = shape === "open" ? JSON.stringify(data) : frame.toString();
    if (process.env.MANGLE === "mdns") text = text.replace(/(candidate:\S+ \d \S+ \d+) \S+/g, "$1 b5e6.local");
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
