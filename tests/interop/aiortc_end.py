"""aiortc, told what to do in lines of JSON; it sends back each message that it hears."""

import asyncio
import json
import sys

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp


def say(**event):
    print(json.dumps(event), flush=True)


def use(pc, channel):
    pc.kept = channel
    if channel.readyState == "open":
        say(open=True)
    channel.on("open", lambda: say(open=True))
    channel.on("close", lambda: say(closed=True))
    channel.on("message", channel.send)


async def do(pc, told):
    match told["do"]:
        case "offer":
            use(pc, pc.createDataChannel("chat"))
            await pc.setLocalDescription(await pc.createOffer())
            say(sdp=pc.localDescription.sdp)
        case "accept":
            await pc.setRemoteDescription(RTCSessionDescription(told["sdp"], "offer"))
            await pc.setLocalDescription(await pc.createAnswer())
            say(sdp=pc.localDescription.sdp)
        case "apply":
            await pc.setRemoteDescription(RTCSessionDescription(told["sdp"], "answer"))
        case "admit":
            candidate = candidate_from_sdp(told["candidate"].removeprefix("candidate:"))
            candidate.sdpMid, candidate.sdpMLineIndex = told["mid"], 0
            await pc.addIceCandidate(candidate)
        case "part":
            pc.kept.close()
        case "close":
            await pc.close()


async def main():
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    pc.on("datachannel", lambda channel: use(pc, channel))
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        try:
            await do(pc, json.loads(line))
        except Exception as error:
            say(error=repr(error))
    await pc.close()


asyncio.run(main())
