// A browser's own stack, with the same words as the scripts beside it; it sends back each message that it hears.
globalThis.other = (() => {
  const events = [];
  let wake = () => {};
  const say = (event) => { events.push(event); wake(); };
  const pc = new RTCPeerConnection();
  let kept;
  const use = (channel) => {
    kept = channel;
    channel.binaryType = "arraybuffer";
    channel.onopen = () => say({ open: true });
    channel.onclose = () => say({ closed: true });
    channel.onmessage = ({ data }) => channel.send(data);
  };
  pc.onicecandidate = ({ candidate }) =>
    candidate?.candidate && say({ candidate: candidate.candidate, mid: candidate.sdpMid });
  pc.ondatachannel = ({ channel }) => use(channel);
  const described = () => say({ sdp: pc.localDescription.sdp });
  const deeds = {
    offer: () => { use(pc.createDataChannel("chat")); return pc.setLocalDescription().then(described); },
    accept: ({ sdp }) =>
      pc.setRemoteDescription({ type: "offer", sdp }).then(() => pc.setLocalDescription()).then(described),
    apply: ({ sdp }) => pc.setRemoteDescription({ type: "answer", sdp }),
    admit: ({ candidate, mid }) => pc.addIceCandidate({ candidate, sdpMid: mid }),
    part: () => kept.close(),
    close: () => pc.close(),
  };
  return {
    tell: (told) => Promise.resolve(deeds[told.do](told)).catch((error) => say({ error: String(error) })),
    // What has happened since the last time; waits for something for at most 20 ms.
    take: async () => {
      if (!events.length) await new Promise((done) => { wake = done; setTimeout(done, 20); });
      return events.splice(0);
    },
  };
})();
