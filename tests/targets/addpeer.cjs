// A small Socket.IO server of the addPeer family: the newcomer is told to offer to each who is there.
const server = require("node:http").createServer();
const io = new (require("socket.io").Server)(server);
// LATE in the environment: handlers are registered only after an await, of 30 ms (always), or of settings that take
// 80 ms to load and stay fresh for 150 ms (cached).
let loading, loaded = 0;
const settings = () => {
  if (Date.now() - loaded < 150) return Promise.resolve();
  loading ??= new Promise((resolve) => setTimeout(() => { loaded = Date.now(); loading = undefined; resolve(); }, 80));
  return loading;
};
const late = { always: () => new Promise((resolve) => setTimeout(resolve, 30)), cached: settings }[process.env.LATE];
io.on("connection", async (socket) => {
  if (late) await late();
  const part = (channel) => {
    for (const id of io.sockets.adapter.rooms.get(channel) ?? []) {
      if (id !== socket.id) io.to(id).emit("removePeer", { peer_id: socket.id });
    }
    socket.leave(channel);
  };
  socket.on("join", ({ channel }) => {
    for (const id of io.sockets.adapter.rooms.get(channel) ?? []) {
      io.to(id).emit("addPeer", { peer_id: socket.id, should_create_offer: false });
      socket.emit("addPeer", { peer_id: id, should_create_offer: true });
    }
    socket.join(channel);
  });
  socket.on("part", part);
  socket.on("disconnecting", () => [...socket.rooms].filter((room) => room !== socket.id).forEach(part));
  socket.on("relaySessionDescription", ({ peer_id, session_description }) =>
    io.to(peer_id).emit("sessionDescription", { peer_id: socket.id, session_description }));
  socket.on("relayICECandidate", ({ peer_id, ice_candidate }) =>
    io.to(peer_id).emit("iceCandidate", { peer_id: socket.id, ice_candidate }));
});
server.listen();
