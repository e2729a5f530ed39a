// The addPeer family as two processes behind one port, without sticky sessions: connections go to them in turn, and what
// one sends to a room the other's sockets get too. A session that long polling began is unknown to the other process.
const cluster = require("node:cluster");
if (cluster.isPrimary) {
  const workers = [cluster.fork(), cluster.fork()];
  cluster.on("message", (from, message) => workers.forEach((worker) => worker === from || worker.send(message)));
} else {
  const { ClusterAdapter } = require("socket.io-adapter");
  class Shared extends ClusterAdapter {
    constructor(namespace) {
      super(namespace);
      process.on("message", ({ sent, answered }) => (sent ? this.onMessage(sent) : this.onResponse(answered)));
    }
    serverCount = async () => 2;
    doPublish = async (sent) => process.send({ sent });
    doPublishResponse = async (_, answered) => process.send({ answered });
  }
  const server = require("node:http").createServer();
  const io = new (require("socket.io").Server)(server, { adapter: Shared });
  io.on("connection", (socket) => {
    const others = async (channel) => (await io.in(channel).fetchSockets()).filter(({ id }) => id !== socket.id);
    socket.on("join", async ({ channel }) => {
      socket.join(channel);
      for (const { id } of await others(channel)) {
        io.to(id).emit("addPeer", { peer_id: socket.id, should_create_offer: id < socket.id });
        socket.emit("addPeer", { peer_id: id, should_create_offer: socket.id < id });
      }
    });
    socket.on("relaySessionDescription", ({ peer_id, session_description }) =>
      io.to(peer_id).emit("sessionDescription", { peer_id: socket.id, session_description }));
    socket.on("relayICECandidate", ({ peer_id, ice_candidate }) =>
      io.to(peer_id).emit("iceCandidate", { peer_id: socket.id, ice_candidate }));
    socket.on("disconnecting", () =>
      socket.rooms.forEach((room) => socket.to(room).emit("removePeer", { peer_id: socket.id })));
  });
  server.listen();
}
