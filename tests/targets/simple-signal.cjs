// simple-signal-server over Socket.IO, with rooms: a newcomer discovers who is there.
const server = require("node:http").createServer();
const io = new (require("socket.io").Server)(server);
const signal = require("simple-signal-server")(io);
const rooms = new Map();
signal.on("discover", (request) => {
  const { room } = request.discoveryData;
  const peers = rooms.get(room) ?? new Set();
  rooms.set(room, peers);
  request.discover({ peers: [...peers] });
  peers.add(request.socket.id);
});
signal.on("disconnect", (socket) => rooms.forEach((peers) => peers.delete(socket.id)));
signal.on("request", (request) => request.forward());
server.listen();
