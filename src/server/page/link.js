// One connection, phase by phase as docs/spec/protocol.md, "The phases of an edge", names them.

class Link {
  constructor(client, id, name) {
    Object.assign(this, { client, id, name, pc: null, channel: null, early: [], over: false, left: false, state: "new", why: "" });
    this.offered = null;
    this.sent = 0;
    this.received = 0;
    this.tests = 0;
    this.lastTest = "";
    // Milliseconds that each phase took; the first three are this user's own.
    this.took = { ...client.marks };
    this.since = performance.now();
    this.at = 3;
  }

  get isNew() { return this.state === "new"; }
  get phase() { return PHASES[this.at]; }

  // `phase` is over, and so is every one before it that no event told.
  reach(phase) {
    const next = PHASES.indexOf(phase) + 1;
    if (next <= this.at) return;
    this.took[phase] = performance.now() - this.since;
    this.since = performance.now();
    this.at = next;
    this.client.tell("links", null);
  }

  start(offers) {
    this.state = "busy";
    this.reach("discovery");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.state === "busy" && this.fail("timed out"), TIMEOUT_MS);
    if (offers) this.offer().catch((error) => this.fail(error.message));
  }

  connection() {
    const pc = new RTCPeerConnection();
    this.pc = pc;
    const mine = () => this.pc === pc && !this.over;
    pc.onicecandidate = ({ candidate }) => {
      if (!mine() || !candidate) return;
      const { candidate: line, sdpMid, sdpMLineIndex, usernameFragment } = candidate;
      this.signal("webrtc-ice", { candidate: { candidate: line, sdpMid, sdpMLineIndex, usernameFragment } });
    };
    pc.oniceconnectionstatechange = () => {
      if (!mine()) return;
      if (["connected", "completed"].includes(pc.iceConnectionState)) {
        this.reach("ice");
        this.watchDtls();
      }
    };
    pc.onconnectionstatechange = () => {
      if (!mine()) return;
      if (pc.connectionState === "connected") this.reach("dtls");
      if (pc.connectionState === "failed") this.state === "open" ? this.close("connection lost") : this.fail(`${this.phase} failed`);
    };
    pc.ondatachannel = ({ channel }) => mine() && this.take(channel);
    return pc;
  }

  watchDtls() {
    const transport = this.pc?.sctp?.transport;
    if (!transport) return;
    const look = () => transport.state === "connected" && this.reach("dtls");
    transport.addEventListener("statechange", look);
    look();
  }

  async offer() {
    const pc = this.connection();
    this.take(pc.createDataChannel("chat"));
    const offer = await pc.createOffer();
    this.offered = "local";
    await pc.setLocalDescription(offer);
    if (this.pc === pc) this.signal("webrtc-offer", { offer: { type: "offer", sdp: pc.localDescription.sdp } });
  }

  heardOffer(offer) {
    if (typeof offer?.sdp !== "string") return;
    // Both sides offered at once: the lower id gives way, with a new connection.
    if (this.offered === "local" && this.state === "busy" && !(this.client.id < this.id)) return;
    this.drop();
    if (this.state !== "busy") {
      this.state = "busy";
      this.at = Math.min(this.at, 3);
      this.start(false);
    }
    this.answer(offer.sdp).catch((error) => this.fail(error.message));
  }

  async answer(sdp) {
    const pc = this.connection();
    this.offered = "remote";
    await pc.setRemoteDescription({ type: "offer", sdp });
    await this.admitEarly(pc);
    await pc.setLocalDescription(await pc.createAnswer());
    if (this.pc !== pc) return;
    this.signal("webrtc-answer", { answer: { type: "answer", sdp: pc.localDescription.sdp } });
    this.reach("negotiation");
  }

  async heardAnswer(answer) {
    const pc = this.pc;
    if (typeof answer?.sdp !== "string" || pc?.signalingState !== "have-local-offer") return;
    try {
      await pc.setRemoteDescription({ type: "answer", sdp: answer.sdp });
      this.reach("negotiation");
      await this.admitEarly(pc);
    } catch (error) {
      this.fail(error.message);
    }
  }

  heardCandidate(candidate) {
    if (!candidate?.candidate) return;
    if (this.pc?.remoteDescription) this.pc.addIceCandidate(candidate).catch(() => {});
    else if (this.early.length < 20) this.early.push(candidate);
  }

  // A candidate may come before the description that it belongs to.
  async admitEarly(pc) {
    for (const candidate of this.early.splice(0)) await pc.addIceCandidate(candidate).catch(() => {});
  }

  take(channel) {
    this.channel = channel;
    channel.binaryType = "arraybuffer";
    const opened = () => {
      if (this.channel !== channel || this.over) return;
      for (const phase of ["negotiation", "ice", "dtls"]) this.reach(phase);
      this.reach("channel");
      this.state = "open";
      this.client.tell("links", null);
    };
    channel.onopen = opened;
    if (channel.readyState === "open") opened();
    channel.onmessage = ({ data }) => this.heard(data);
    channel.onclose = () => this.channel === channel && this.state === "open" && this.close("channel closed");
  }

  // Text is chat. Binary is a message of a virtual peer: its sequence number (bit 31: an echo), and padding.
  heard(data) {
    if (typeof data === "string") {
      this.received += 1;
      this.client.tell("chat", { from: this.name, text: data });
    } else if (data.byteLength >= 16) {
      this.tests += 1;
      this.lastTest = `no. ${new DataView(data).getUint32(0, true) & 0x7fffffff}, ${data.byteLength} bytes`;
    }
    this.client.tell("links", null);
  }

  say(text) {
    if (this.state !== "open" || this.channel?.readyState !== "open") return false;
    this.channel.send(text);
    this.sent += 1;
    return true;
  }

  signal(type, data) {
    this.client.send(type, { roomId: this.client.room, fromUserId: this.client.id, toUserId: this.id, ...data });
  }

  fail(why) {
    if (this.over) return;
    this.why = why;
    this.state = "failed";
    this.end();
  }

  close(why) {
    if (this.over) return;
    this.why = why;
    this.state = "closed";
    this.end();
  }

  end() {
    this.over = true;
    clearTimeout(this.timer);
    this.drop();
    this.client.tell("links", null);
  }

  drop() {
    const pc = this.pc;
    this.pc = null;
    this.channel = null;
    this.offered = null;
    pc?.close();
  }
}
