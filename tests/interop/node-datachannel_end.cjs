// libdatachannel, told what to do in lines of JSON; it sends back each message that it hears.
const { PeerConnection } = require("node-datachannel");
const say = (event) => process.stdout.write(JSON.stringify(event) + "\n");
const pc = new PeerConnection("other", { iceServers: [] });
let kept;
const use = (channel) => {
  kept = channel;
  channel.onOpen(() => say({ open: true }));
  channel.onClosed(() => say({ closed: true }));
  channel.onError((error) => say({ error: String(error) }));
  channel.onMessage((message) =>
    typeof message === "string" ? channel.sendMessage(message) : channel.sendMessageBinary(Buffer.from(message)));
};
pc.onLocalDescription((sdp) => say({ sdp }));
// An offer's candidates are told when its answer is in force: under load libdatachannel 0.24 was seen to refuse a certificate as
// unknown_ca when checks reached it while it was still applying the answer, which has the fingerprint.
let held;
pc.onLocalCandidate((candidate, mid) => (held ? held.push({ candidate, mid }) : say({ candidate, mid })));
pc.onDataChannel(use);
const deeds = {
  offer: () => {
    held = [];
    use(pc.createDataChannel("chat"));
  },
  accept: ({ sdp }) => pc.setRemoteDescription(sdp, "offer"),
  apply: ({ sdp }) => {
    pc.setRemoteDescription(sdp, "answer");
    held.splice(0).forEach(say);
    held = undefined;
  },
  admit: ({ candidate, mid }) => pc.addRemoteCandidate(candidate, mid),
  part: () => kept.close(),
  close: () => pc.close(),
};
require("node:readline").createInterface({ input: process.stdin })
  .on("line", (line) => { const told = JSON.parse(line); deeds[told.do](told); })
  .on("close", () => process.exit(0));
