// A small Socket.IO server of the addPeer family: the newcomer is told to offer to each who is there.
// MODE in the environment: auth, cookie and login let in only who brings a token, namespace has all under /rtc, args takes
// a join of two arguments and acknowledges it, msgpack has that parser, eio3 is Socket.IO 2.
const mode = process.env.MODE;
const server = require("node:http").createServer((request, response) => {
  if (mode !== "login" || request.url !== "/login" || request.method !== "POST") return;
  let text = "";
  request.on("data", (part) => (text += part));
  request.on("end", () => {
    const { user } = JSON.parse(text);
    if (!user) return response.writeHead(401).end("who?");
    response.writeHead(200, { "Content-Type": "application/json", "Set-Cookie": `sid=token-${user}; Path=/; HttpOnly` });
    response.end(JSON.stringify({ ticket: { value: `token-${user}` } }));
  });
});
const parser = mode === "msgpack" ? require("socket.io-msgpack-parser") : undefined;
const all = mode === "eio3" ? require("socket.io-2")(server) : new (require("socket.io").Server)(server, { parser });
const io = all.of(mode === "namespace" ? "/rtc" : "/");
io.use((socket, next) => {
  const { auth, headers } = socket.handshake;
  const brought = { auth: auth?.token, cookie: headers.cookie?.slice(4), login: auth?.ticket && headers.cookie?.slice(4) };
  const is_in = !(mode in brought) || String(brought[mode]).startsWith("token-");
  next(is_in ? undefined : new Error("no token"));
});
// LATE in the environment: handlers are registered only after an await, of 30 ms (always), or of settings that take
// 80 ms to load and stay fresh for 150 ms (cached); LATE_MS is another time than 30 and 80 ms.
const late_ms = process.env.LATE_MS && Number(process.env.LATE_MS);
let loading, loaded = 0;
const settings = () => {
  if (Date.now() - loaded < 150) return Promise.resolve();
  loading ??= new Promise((resolve) => setTimeout(() => { loaded = Date.now(); loading = undefined; resolve(); }, late_ms ?? 80));
  return loading;
};
const late = { always: () => new Promise((resolve) => setTimeout(resolve, late_ms ?? 30)), cached: settings }[process.env.LATE];
io.on("connection", async (socket) => {
  if (late) await late();
  const part = (channel) => {
    for (const id of io.adapter.rooms.get(channel) ?? []) {
      if (id !== socket.id) io.to(id).emit("removePeer", { peer_id: socket.id });
    }
    socket.leave(channel);
  };
  socket.on("join", (first, name, done) => {
    const channel = mode === "args" ? first : first.channel;
    if (mode === "args" && (!name || !done)) return;
    done?.(null, io.adapter.rooms.get(channel)?.size ?? 0);
    for (const id of io.adapter.rooms.get(channel) ?? []) {
      io.to(id).emit("addPeer", { peer_id: socket.id, should_create_offer: false });
      socket.emit("addPeer", { peer_id: id, should_create_offer: true });
    }
    socket.join(channel);
  });
  if (process.env.DOUBLE) socket.on("join", () => relay(socket));
  else relay(socket);
  socket.on("part", part);
  socket.on("disconnecting", () => [...socket.rooms].filter((room) => room !== socket.id).forEach(part));
});
// DOUBLE in the environment: a client that joins twice has each of its words relayed twice.
const relay = (socket) => {
  socket.on("relaySessionDescription", ({ peer_id, session_description }) =>
    io.to(peer_id).emit("sessionDescription", { peer_id: socket.id, session_description }));
  socket.on("relayICECandidate", ({ peer_id, ice_candidate }) =>
    io.to(peer_id).emit("iceCandidate", { peer_id: socket.id, ice_candidate }));
};
server.listen();
