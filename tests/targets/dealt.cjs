// A server that fills rooms up to MAX and deals the rest out; its roster is an object of join times by id, sent whole.
// LEAKY in the environment: what is told to a room is told to all rooms.
const server = require("node:http").createServer();
const io = new (require("socket.io").Server)(server);
const max = Number(process.env.MAX ?? 50);
const instances = new Map();
io.on("connection", (socket) => {
  let members, instance;
  const tell = () => {
    const occupants = Object.fromEntries(members);
    for (const id of members.keys()) io.to(id).emit("occupantsChanged", { occupants });
  };
  socket.on("joinRoom", ({ room }) => {
    let number = 1;
    do {
      instance = number === 1 ? room : `${room}--${number}`;
      if (!instances.has(instance)) instances.set(instance, new Map());
      members = instances.get(instance);
      number += 1;
    } while (members.size >= max);
    const joinedTime = Date.now() + members.size / 100;
    members.set(socket.id, joinedTime);
    socket.emit("connectSuccess", { joinedTime });
    tell();
  });
  socket.on("send", (data) => io.to(data.to).emit("send", { ...data, from: socket.id }));
  socket.on("broadcast", (data) => {
    if (process.env.LEAKY) return socket.broadcast.emit("broadcast", { ...data, from: socket.id });
    for (const id of members?.keys() ?? []) if (id !== socket.id) io.to(id).emit("broadcast", { ...data, from: socket.id });
  });
  socket.on("disconnect", () => {
    if (!members?.delete(socket.id)) return;
    tell();
  });
});
server.listen();
