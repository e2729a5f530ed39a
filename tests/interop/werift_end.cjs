// werift, told what to do in lines of JSON; it sends back each message that it hears.
const { RTCPeerConnection } = require("werift");
const say = (event) => process.stdout.write(JSON.stringify(event) + "\n");
const pc = new RTCPeerConnection({ iceServers: [], iceUseIpv6: false });
let kept;
const use = (channel) => {
  kept = channel;
  const opened = () => say({ open: true });
  if (channel.readyState === "open") opened();
  channel.stateChanged.subscribe((state) => {
    if (state === "open") opened();
    if (state === "closed") say({ closed: true });
  });
  // werift 0.24 can hear an empty message, and sends nothing when asked for one.
  channel.onMessage.subscribe((message) => (message.length > 0 ? channel.send(message) : say({ heard: 0 })));
};
pc.onIceCandidate.subscribe((candidate) =>
  candidate && say({ candidate: candidate.candidate, mid: candidate.sdpMid ?? "0" }));
pc.onDataChannel.subscribe(use);
const deeds = {
  offer: async () => {
    use(pc.createDataChannel("chat"));
    await pc.setLocalDescription(await pc.createOffer());
    say({ sdp: pc.localDescription.sdp });
  },
  accept: async ({ sdp }) => {
    await pc.setRemoteDescription({ type: "offer", sdp });
    await pc.setLocalDescription(await pc.createAnswer());
    say({ sdp: pc.localDescription.sdp });
  },
  apply: ({ sdp }) => pc.setRemoteDescription({ type: "answer", sdp }),
  admit: ({ candidate, mid }) => pc.addIceCandidate({ candidate, sdpMid: mid, sdpMLineIndex: 0 }),
  part: () => kept.close(),
  // pc.close() says nothing to the other end: it stops ICE first.
  close: () => kept.close(),
};
let last = Promise.resolve();
require("node:readline").createInterface({ input: process.stdin })
  .on("line", (line) => {
    const told = JSON.parse(line);
    last = last.then(() => deeds[told.do](told)).catch((error) => say({ error: String(error) }));
  })
  .on("close", () => process.exit(0));
