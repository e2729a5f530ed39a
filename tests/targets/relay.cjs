// A plain relay, as people write them. SHAPE in the environment: channel, global or open. MANGLE alters candidates: mdns
// replaces their addresses by names, mid their mid and m-line; bare leaves only their text, drop-host none of it.
// FLAW is what nobody listed: size takes no frame over 500 bytes, few leaves every upgrade but the first unanswered,
// tenants has another client in each room that answers offers under the same ids, ids and names name another sender of
// answers and of joins, astray hands offers to all but those that they are for, reverse hands out what came within 50 ms
// from the last to the first.
// mute drops all that every other client says after its first frame.
// turned takes offers, answers and candidates for their sender, and hoard passes on a client's first candidate alone.
// wrap puts each frame into another, and keyless takes the ICE password out of descriptions.
// slow delivers everything LATE_MS late, lossy loses half of all frames at random, cut passes on no more than 200 bytes of
// a frame, quota drops without a word what a client says after two frames, shards is two processes that take clients in
// turn and share nothing, and evict closes the client that was in a room before when another joins.
// LIMIT is the most connections of one address, and REFUSAL what the next one gets: HTTP 429, or close 4429, each with a
// line in the file REFUSED; a request that is no upgrade takes a place for good.
// CUT: so many ms after the first connect all clients are cut off, and only then the limit holds.
// TALK: each client gets a notice so many ms after its connect, and every other one another after as many more.
// STRICT: it ends at the first frame that is none of its own.
// RATE: so many frames a second are passed on, one after the other; each frame takes its turn when it comes.
// FORMAT: binary (JSON in binary frames) or msgpack; frames then go on as they came.
const { WebSocketServer } = require("ws");
const shape = process.env.SHAPE;
const mangle = process.env.MANGLE;
const format = process.env.FORMAT;
const flaw = process.env.FLAW;
const server = require("node:http").createServer();
const channels = new Map();
const clients = new Set();
const sockets = new WebSocketServer({ noServer: true, maxPayload: flaw === "size" ? 500 : undefined });
let upgrades = 0, leaked = 0, limit = Number(process.env.CUT ? Infinity : (process.env.LIMIT ?? Infinity));
const cut = () => {
  limit = Number(process.env.LIMIT);
  clients.forEach((client) => client.terminate());
};
server.on("request", (_, response) => { leaked++; response.end(); });
server.on("upgrade", (request, socket, head) => {
  if (flaw === "few" && upgrades++ > 0) return;
  const isFull = clients.size + leaked >= limit;
  if (isFull && process.env.REFUSED) require("node:fs").appendFileSync(process.env.REFUSED, `${performance.now()}\n`);
  if (isFull && process.env.REFUSAL === "429") return socket.end("HTTP/1.1 429 Too Many Requests\r\n\r\n");
  if (isFull) return sockets.handleUpgrade(request, socket, head, (refused) => refused.close(4429, "too many"));
  sockets.handleUpgrade(request, socket, head, (accepted) => sockets.emit("connection", accepted));
});
const rate = Number(process.env.RATE ?? Infinity);
const waiting = [];
let free = 0;
const serve = () => {
  for (; waiting.length > 0 && waiting[0].at <= performance.now(); waiting.shift()) waiting[0].pass();
  if (waiting.length > 0) setTimeout(serve, waiting[0].at - performance.now());
};
const inTurn = (pass) => {
  const at = Math.max(free, performance.now());
  free = at + 1000 / rate;
  if (rate === Infinity) return pass();
  waiting.push({ at, pass });
  if (waiting.length === 1) serve();
};
const held = [];
const send = (socket, text) => {
  if (flaw === "slow") return setTimeout(() => socket.send(text), Number(process.env.LATE_MS));
  if (flaw === "lossy" && Math.random() < 0.5) return;
  if (flaw === "cut") return socket.send(text.slice(0, 200));
  if (flaw !== "reverse") return socket.send(text);
  if (held.length === 0) setTimeout(() => held.splice(0).reverse().forEach(([to, late]) => to.send(late)), 50);
  held.push([socket, text]);
};
const talk = Number(process.env.TALK);
let connections = 0;
sockets.on("connection", (socket) => {
  clients.add(socket);
  if (connections === 0 && process.env.CUT) setTimeout(cut, Number(process.env.CUT));
  socket.shard = connections++ % 2;
  const notices = talk ? 1 + socket.shard : 0;
  for (let nth = 1; nth <= notices; nth++) setTimeout(() => socket.send(JSON.stringify({ type: "notice" })), nth * talk);
  socket.on("message", (frame, isBinary) => {
    if (isBinary !== Boolean(format)) return socket.close(1003);
    socket.said = (socket.said ?? 0) + 1;
    if (flaw === "mute" && socket.shard === 1 && socket.said > 1) return;
    if (flaw === "quota" && socket.said > 2) return;
    const parsed = format === "msgpack" ? require("@msgpack/msgpack").decode(frame) : JSON.parse(frame);
    const { open, channel, data } = parsed;
    if (process.env.STRICT && !["join", "offer", "answer", "candidate", "leave"].includes(parsed.type)) process.exit(1);
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
    if (flaw === "ids" && parsed.type === "answer") text = text.replace(data.from, "somebody-else");
    if (flaw === "names" && parsed.type === "join") text = text.replace(data.from, "somebody-else");
    if (flaw === "turned" && data.to) text = JSON.stringify({ ...parsed, data: { ...data, to: data.from, from: data.to } });
    if (flaw === "hoard" && parsed.type === "candidate" && (socket.told = (socket.told ?? 0) + 1) > 1) return;
    if (flaw === "wrap") text = JSON.stringify({ event: parsed.type, payload: parsed });
    if (flaw === "keyless") text = text.replace(/a=ice-pwd:\w+\\r\\n/, "");
    if (flaw === "tenants" && parsed.type === "offer") {
      const sdp = data.sdp.replace(/a=ice-ufrag:./, "a=ice-ufrag:T").replace("actpass", "active");
      send(socket, JSON.stringify({ ...parsed, type: "answer", data: { from: data.to, to: data.from, sdp } }));
    }
    if (mangle === "mdns") text = text.replace(/(candidate:\S+ \d \S+ \d+) \S+/g, "$1 b5e6.local");
    const others = [...(shape === "global" ? clients : members)].filter((other) => other !== socket);
    if (parsed.type === "join") socket.id = data.from;
    if (flaw === "evict" && parsed.type === "join") others.forEach((other) => other.close(1000, "replaced"));
    const isAstray = (other) => flaw === "astray" && parsed.type === "offer" && other.id === data.to;
    const isApart = (other) => flaw === "shards" && other.shard !== socket.shard;
    const isTold = (other) => !isAstray(other) && !isApart(other);
    inTurn(() => others.filter(isTold).forEach((other) => send(other, format ? frame : text)));
  });
  socket.on("close", () => {
    clients.delete(socket);
    channels.forEach((members) => members.delete(socket));
  });
});
server.listen();
module.exports = server;
