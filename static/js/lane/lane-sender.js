// @ts-check
// Lets a member of staff see the camera: as video over WebRTC, or as a picture a second where that does not work.
// Whoever stands at the lane is told for as long as anyone watches.

import { part } from "../dom.js";
import { say } from "../options.js";

/** @typedef {import("../camera/scan-camera.js").ScanCamera} ScanCamera */
/** @typedef {import("./lane-link.js").LaneLink} LaneLink */
/** @typedef {{peer: string, by: string, mode: "webrtc" | "pictures", ice_servers?: RTCIceServer[]}} Watch */
/** @typedef {{description?: RTCSessionDescriptionInit, candidate?: RTCIceCandidateInit}} Signal */
/** @typedef {{by: string, mode: string, video: PeerVideo | null}} Watcher */

const PICTURE_MS = 1000;
const WIDTH = 640;
const QUALITY = 0.6;
const PICTURE_MAX_BYTES = 256 * 1024;

/** The video of one watcher; the lane offers. */
class PeerVideo {
  /** @type {RTCIceCandidateInit[]} came before the answer */
  early = [];

  /** @param {RTCIceServer[]} iceServers @param {(signal: Record<string, unknown>) => void} send */
  constructor(iceServers, send) {
    this.connection = new RTCPeerConnection({ iceServers });
    this.transceiver = this.connection.addTransceiver("video", { direction: "sendonly" });
    this.connection.addEventListener("icecandidate", ({ candidate }) => {
      if (candidate) send({ candidate: candidate.toJSON() });
    });
    this.connection.addEventListener("negotiationneeded", () => void this.offer(send));
    this.connection.addEventListener("connectionstatechange", () => {
      if (this.connection.connectionState === "failed") this.connection.restartIce();
    });
  }

  /** @param {(signal: Record<string, unknown>) => void} send */
  async offer(send) {
    await this.connection.setLocalDescription();
    const { type, sdp } = /** @type {RTCSessionDescription} */ (this.connection.localDescription);
    send({ description: { type, sdp } });
  }

  /** @param {MediaStreamTrack | null} track */
  show(track) {
    void this.transceiver.sender.replaceTrack(track);
  }

  /** @param {Signal} signal */
  async heard({ description, candidate }) {
    if (description) {
      await this.connection.setRemoteDescription(description);
      for (const one of this.early.splice(0)) await this.connection.addIceCandidate(one);
    } else if (candidate && this.connection.remoteDescription) await this.connection.addIceCandidate(candidate);
    else if (candidate) this.early.push(candidate);
  }

  close() {
    this.connection.close();
  }
}

export class LaneSender {
  /** @type {Map<string, Watcher>} by peer */
  watchers = new Map();
  timer = 0;

  /** @param {LaneLink} link @param {ScanCamera} stage */
  constructor(link, stage) {
    this.link = link;
    this.stage = stage;
    this.canvas = document.createElement("canvas");
    link.addEventListener("watch", (event) => this.began(/** @type {CustomEvent} */ (event).detail));
    link.addEventListener("unwatch", (event) => this.ended(/** @type {CustomEvent} */ (event).detail.peer));
    link.addEventListener("signal", (event) => this.heard(/** @type {CustomEvent} */ (event).detail));
    link.addEventListener("state", () => link.isAnswering || this.endAll());
    stage.addEventListener("source", () => this.trackShow());
  }

  get track() {
    return this.stage.camera?.track ?? null;
  }

  /** @param {Watch} watch */
  began({ peer, by, mode, ice_servers: iceServers = [] }) {
    this.watchers.get(peer)?.video?.close();
    const isVideo = mode === "webrtc" && "RTCPeerConnection" in globalThis;
    const send = (/** @type {Record<string, unknown>} */ data) => void this.link.signal(peer, data);
    const video = isVideo ? new PeerVideo(iceServers, send) : null;
    video?.show(this.track);
    this.watchers.set(peer, { by, mode, video });
    this.changed();
  }

  /** @param {string} peer */
  ended(peer) {
    this.watchers.get(peer)?.video?.close();
    this.watchers.delete(peer);
    this.changed();
  }

  /** Nobody watches over a connection that is gone. */
  endAll() {
    for (const peer of [...this.watchers.keys()]) this.ended(peer);
  }

  /** @param {{peer: string, data: Signal}} signal */
  heard({ peer, data }) {
    this.watchers.get(peer)?.video?.heard(data).catch((error) => console.error(error));
  }

  trackShow() {
    for (const { video } of this.watchers.values()) video?.show(this.track);
  }

  /** Says who watches, and sends pictures to those without video. */
  changed() {
    const watchers = [...this.watchers.values()];
    const sign = part(this.stage, "watched", HTMLElement);
    const name = [...new Set(watchers.map(({ by }) => by))].join(", ");
    sign.textContent = name ? say("watched", { name }) : "";
    sign.hidden = !name;
    const wanted = watchers.some(({ mode }) => mode === "pictures");
    if (wanted && !this.timer) this.timer = setInterval(() => void this.pictureSend(), PICTURE_MS);
    if (wanted) return;
    clearInterval(this.timer);
    this.timer = 0;
  }

  async pictureSend() {
    const picture = this.stage.look();
    const context = this.canvas.getContext("2d", { alpha: false });
    if (!picture?.ready || !context) return;
    this.canvas.width = Math.min(WIDTH, picture.width);
    this.canvas.height = Math.round((this.canvas.width * picture.height) / picture.width);
    context.drawImage(picture.element, 0, 0, this.canvas.width, this.canvas.height);
    /** @type {Blob | null} */
    const blob = await new Promise((resolve) => this.canvas.toBlob(resolve, "image/jpeg", QUALITY));
    if (blob && blob.size <= PICTURE_MAX_BYTES && this.timer) this.link.picture(blob);
  }
}
