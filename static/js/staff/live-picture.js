// @ts-check
// <live-picture>: what the camera of a lane sees, by WebRTC; where that finds no way within five seconds, a picture a second.

import { part } from "../dom.js";
import { addressOf, say } from "../options.js";
import { textShow } from "./rows.js";
import { staffOptions } from "./staff-options.js";

/** @typedef {import("./staff-link.js").StaffLink} StaffLink */

const CONNECTED_WITHIN_MS = 5000;
const PICTURE_EVERY_MS = 1000;
/** Without a picture for so long the lane is asked anew: its page may have been loaded again. */
const PICTURES_AGAIN_MS = 5000;

export class LivePicture extends HTMLElement {
  /** @type {StaffLink | null} */
  link = null;
  laneId = "";
  /** What the lane says of its camera. */
  camera = "live";
  /** @type {"off" | "webrtc" | "pictures"} */
  mode = "off";
  /** @type {RTCPeerConnection | null} */
  connection = null;
  timer = 0;
  pictureAt = 0;

  connectedCallback() {
    part(this, "live-toggle", HTMLButtonElement).addEventListener("click", () => this.toggle());
    this.show("off", "live_off");
  }

  /** @param {StaffLink} link @param {string} laneId */
  follow(link, laneId) {
    if (this.laneId === laneId) return;
    this.stop();
    this.laneId = laneId;
    if (this.link === link) return;
    this.link = link;
    link.addEventListener("signal", (event) => void this.signalled(/** @type {CustomEvent} */ (event).detail));
    link.addEventListener("state", (event) => this.linkChanged(/** @type {CustomEvent} */ (event).detail.state));
  }

  /** @param {string} camera */
  cameraIs(camera) {
    if (camera === this.camera) return;
    this.camera = camera;
    this.show(this.mode, this.dataset.state ?? "live_off");
  }

  toggle() {
    if (this.mode === "off") void this.start();
    else this.stop();
  }

  async start() {
    this.show("webrtc", "live_connecting");
    const laneId = this.laneId;
    const answer = await this.link?.ask({ type: "watch", lane_id: laneId, mode: "webrtc" });
    if (laneId !== this.laneId || this.mode !== "webrtc") return;
    if (!answer?.ok) return this.show("off", "live_off");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.picturesStart(), CONNECTED_WITHIN_MS);
  }

  stop() {
    if (this.mode !== "off" && this.laneId) void this.link?.ask({ type: "unwatch", lane_id: this.laneId });
    this.end();
    this.show("off", "live_off");
  }

  end() {
    clearTimeout(this.timer);
    this.connection?.close();
    this.connection = null;
    part(this, "live-video", HTMLVideoElement).srcObject = null;
    part(this, "live-image", HTMLImageElement).removeAttribute("src");
  }

  /** The server forgets who watches when the connection breaks: watches again. @param {string} state */
  linkChanged(state) {
    if (this.mode === "off" || state === "silent") return;
    if (state === "on" && this.connection?.connectionState !== "connected") {
      this.end();
      void this.start();
    }
  }

  /** @param {{lane_id: string, data: Record<string, any>}} signal */
  async signalled({ lane_id, data }) {
    if (lane_id !== this.laneId || this.mode === "off") return;
    try {
      if (data.description?.type === "offer") await this.offered(data.description);
      else if (data.candidate) await this.connection?.addIceCandidate(data.candidate);
    } catch (error) {
      console.warn("The lane's connection was not understood.", error);
    }
  }

  /** Answers the lane. @param {RTCSessionDescriptionInit} offer */
  async offered(offer) {
    this.connection?.close();
    this.show("webrtc", "live_connecting");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.picturesStart(), CONNECTED_WITHIN_MS);
    const connection = new RTCPeerConnection({ iceServers: this.link?.iceServers ?? [] });
    this.connection = connection;
    connection.addEventListener("track", (event) => {
      const video = part(this, "live-video", HTMLVideoElement);
      video.srcObject = event.streams[0] ?? new MediaStream([event.track]);
      // A track falls silent within a second or two when its page has gone; the connection notices much later.
      event.track.addEventListener("mute", () => connection === this.connection && this.show("webrtc", "live_lost"));
      event.track.addEventListener("unmute", () => this.connectionChanged(connection));
      void video.play().catch(() => {});
    });
    connection.addEventListener("icecandidate", (event) => {
      if (event.candidate && connection === this.connection) this.signal({ candidate: event.candidate.toJSON() });
    });
    connection.addEventListener("connectionstatechange", () => this.connectionChanged(connection));
    await connection.setRemoteDescription(offer);
    await connection.setLocalDescription(await connection.createAnswer());
    this.signal({ description: connection.localDescription?.toJSON() });
  }

  /** @param {Record<string, unknown>} data */
  signal(data) {
    void this.link?.ask({ type: "signal", lane_id: this.laneId, data });
  }

  /** @param {RTCPeerConnection} connection */
  connectionChanged(connection) {
    if (connection !== this.connection || this.mode === "off") return;
    if (connection.connectionState === "connected") {
      clearTimeout(this.timer);
      this.show("webrtc", "live_on");
    } else if (connection.connectionState === "disconnected") this.show("webrtc", "live_lost");
    else if (connection.connectionState === "failed") void this.picturesStart();
  }

  async picturesStart() {
    this.end();
    this.show("pictures", "live_waiting");
    this.pictureAt = performance.now();
    await this.link?.ask({ type: "watch", lane_id: this.laneId, mode: "pictures" });
    void this.picture();
  }

  async picture() {
    clearTimeout(this.timer);
    if (this.mode !== "pictures") return;
    const laneId = this.laneId;
    const image = part(this, "live-image", HTMLImageElement);
    try {
      const answer = await fetch(addressOf(staffOptions.picture_path, laneId), { cache: "no-store" });
      if (laneId !== this.laneId || this.mode !== "pictures") return;
      if (answer.ok) {
        const before = image.src;
        image.src = URL.createObjectURL(await answer.blob());
        if (before.startsWith("blob:")) URL.revokeObjectURL(before);
        this.pictureAt = performance.now();
        this.show("pictures", "live_pictures");
      } else this.show("pictures", "live_waiting");
    } catch {
      this.show("pictures", "live_lost");
    }
    if (performance.now() - this.pictureAt > PICTURES_AGAIN_MS) {
      this.pictureAt = performance.now();
      void this.link?.ask({ type: "watch", lane_id: laneId, mode: "pictures" });
    }
    this.timer = setTimeout(() => void this.picture(), PICTURE_EVERY_MS);
  }

  /** @param {"off" | "webrtc" | "pictures"} mode @param {string} key of what is said */
  show(mode, key) {
    this.mode = mode;
    this.dataset.state = key;
    const isDark = this.camera === "off";
    part(this, "live-frame", HTMLElement).hidden = mode === "off" || isDark;
    part(this, "live-video", HTMLElement).hidden = mode !== "webrtc";
    part(this, "live-image", HTMLElement).hidden = key !== "live_pictures";
    textShow(part(this, "live-state", HTMLElement), say(isDark ? "live_no_camera" : key));
    textShow(part(this, "live-toggle", HTMLElement), say(mode === "off" ? "watch" : "unwatch"));
  }
}

customElements.define("live-picture", LivePicture);
