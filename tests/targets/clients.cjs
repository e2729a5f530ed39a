// Records a real client library in headless Chromium through `meshload record`, as src/learning/tests/clients has them:
//   node clients.cjs MESHLOAD LIBRARIES peerjs|y-webrtc|simple-peer TABS OUT.har
// LIBRARIES is a folder with peerjs@1.5.5 and simple-peer@9.11.1 in node_modules, and y.js, a bundle of yjs and
// y-webrtc@10.3.0 that has window.go = (url, room) => new WebrtcProvider(room, new Y.Doc(), { signaling: [url], filterBcConns: false }).
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const WebSocket = require("ws");

const [meshload, libraries, kind, tabs, out] = process.argv.slice(2);
const servers = {
  peerjs: ["node_modules/peer/dist/bin/peerjs.js", "--port", "9000", "--allow_discovery", "--path", "/"],
  "y-webrtc": ["node_modules/y-webrtc/bin/server.js"],
  "simple-peer": ["addpeer.cjs"],
};
const scripts = {
  "/peerjs.js": path.join(libraries, "node_modules/peerjs/dist/peerjs.min.js"),
  "/y-webrtc.js": path.join(libraries, "y.js"),
  "/simple-peer.js": path.join(libraries, "node_modules/simple-peer/simplepeer.min.js"),
  "/io.js": path.join(__dirname, "node_modules/socket.io/client-dist/socket.io.min.js"),
};
const children = [];
const start = (program, ...args) => (children.push(spawn(program, args, { cwd: __dirname })), children.at(-1));
const told = (stream, wanted) => new Promise((resolve) => {
  let text = "";
  stream.on("data", (data) => { text += data; const found = text.match(wanted); if (found) resolve(found[1]); });
});
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// What a tab does, as text: `port` is the proxy's, `others` are the ids of the tabs before it.
const plays = {
  peerjs: (port, others) => `new Promise((resolve) => {
    window.peer = new peerjs.Peer({ host: "127.0.0.1", port: ${port}, path: "/", config: { iceServers: [] } });
    peer.on("open", (id) => { for (const other of ${JSON.stringify(others)}) peer.connect(other); resolve(id); });
  })`,
  "y-webrtc": (port) => `go("ws://127.0.0.1:${port}", "my-notes"), ""`,
  "simple-peer": (port) => `(${(port) => {
    const peers = new Map();
    const socket = io(`http://127.0.0.1:${port}`);
    const peerOf = (id, initiator) => {
      if (peers.has(id)) return peers.get(id);
      const peer = new SimplePeer({ initiator, config: { iceServers: [] } });
      peer.on("signal", (said) => said.candidate
        ? socket.emit("relayICECandidate", { peer_id: id, ice_candidate: said.candidate })
        : socket.emit("relaySessionDescription", { peer_id: id, session_description: said }));
      peers.set(id, peer);
      return peer;
    };
    socket.on("connect", () => socket.emit("join", { channel: "standup", userdata: { name: "x" } }));
    socket.on("addPeer", ({ peer_id, should_create_offer }) => peerOf(peer_id, should_create_offer));
    socket.on("sessionDescription", ({ peer_id, session_description }) => peerOf(peer_id, false).signal(session_description));
    socket.on("iceCandidate", ({ peer_id, ice_candidate }) => peerOf(peer_id, false).signal({ type: "candidate", candidate: ice_candidate }));
  }})(${port}), ""`,
};

async function main() {
  const server = start("node", "-r", "./loopback.cjs", ...servers[kind]);
  const to = `ws://127.0.0.1:${await told(server.stdout, /listening on (\d+)/)}${kind === "peerjs" ? "/peerjs" : "/"}`;
  const recorder = start(meshload, "record", "--to", to, "-o", path.resolve(out));
  const { port } = new URL(await told(recorder.stdout, /listening on (\S+)/));
  const pages = http.createServer((request, response) => {
    const script = scripts[request.url];
    response.setHeader("content-type", script ? "text/javascript" : "text/html");
    response.end(script ? fs.readFileSync(script) : `<!doctype html><script src=/${kind}.js></script><script src=/io.js></script>`);
  }).listen(0, "127.0.0.1");
  // The page is another origin than the proxy, and simple servers allow none.
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-web-security", "--remote-debugging-port=0"];
  const profile = fs.mkdtempSync("/tmp/clients-");
  const chromium = start("chromium", ...flags, "--allow-loopback-in-peer-connection", "--disable-features=WebRtcHideLocalIpsWithMdns", `--user-data-dir=${profile}`);
  const tools = new WebSocket(await told(chromium.stderr, /listening on (ws:\S+)/));
  const answers = new Map();
  tools.on("message", (text) => { const answer = JSON.parse(text); answers.get(answer.id)?.(answer.result); });
  await new Promise((resolve) => tools.on("open", resolve));
  const call = (method, params, sessionId) => new Promise((resolve) => {
    answers.set(answers.size, resolve);
    tools.send(JSON.stringify({ id: answers.size - 1, method, params, sessionId }));
  });
  const others = [];
  let last;
  for (let tab = 0; tab < Number(tabs); tab++) {
    const url = `http://127.0.0.1:${pages.address().port}/`;
    const { targetId } = (last = await call("Target.createTarget", { url, newWindow: true }));
    const { sessionId } = await call("Target.attachToTarget", { targetId, flatten: true });
    await pause(1_000);
    const expression = plays[kind](port, others);
    others.push((await call("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true }, sessionId)).result.value);
    await pause(2_500);
  }
  await pause(kind === "peerjs" ? 9_000 : 1_000);
  await call("Target.closeTarget", { targetId: last.targetId });
  await pause(700);
  recorder.kill("SIGINT");
  await new Promise((resolve) => recorder.on("exit", resolve));
  chromium.kill();
  await new Promise((resolve) => chromium.on("exit", resolve));
  fs.rmSync(profile, { recursive: true, force: true });
}

main().catch((error) => { console.error(error); process.exitCode = 1; }).finally(() => {
  for (const child of children) child.kill();
  process.exit();
});
