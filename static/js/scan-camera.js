// @ts-check
// <scan-camera>: the stage. Shows the camera or the clip with its boxes, and says what to do when there is neither.

import { BoxOverlay } from "./box-overlay.js";
import { CameraSource, CameraUnavailable, cameraAllowed } from "./camera-source.js";
import { ClipSource } from "./clip-source.js";
import { part } from "./dom.js";
import { options, say } from "./options.js";
import { preferences } from "./preferences.js";

/** @typedef {import("./protocol.js").Detection} Detection */
/** @typedef {"idle" | "starting" | "live" | "refused" | "missing" | "busy" | "insecure" | "ended"} StageState */

const UNKNOWN_AFTER_MS = 700;
const UNKNOWN_STAYS_MS = 6000;

/** Events: "source" when the camera or clip changed. */
export class ScanCamera extends HTMLElement {
  /** @type {CameraSource | ClipSource | null} */
  source = null;
  /** @type {Map<number, number>} track to the time it was first unknown */
  strangers = new Map();
  strangerAt = -Infinity;
  /** @type {Detection | null} the last unknown item that resembles products of the shop */
  resembling = null;

  connectedCallback() {
    this.video = part(this, "video", HTMLVideoElement);
    this.clip = part(this, "clip", HTMLCanvasElement);
    this.hint = part(this, "hint", HTMLElement);
    this.unknown = part(this, "unknown", HTMLElement);
    this.resembles = part(this, "resembles", HTMLElement);
    this.overlay = new BoxOverlay(part(this, "boxes", HTMLCanvasElement));
    this.overlay.start();
  }

  disconnectedCallback() {
    this.overlay?.stop();
    this.closeSource();
  }

  /** @returns {StageState} */
  get state() {
    return /** @type {StageState} */ (this.dataset.state);
  }

  set state(state) {
    this.dataset.state = state;
    for (const message of this.querySelectorAll("[data-when]")) {
      /** @type {HTMLElement} */ (message).hidden = /** @type {HTMLElement} */ (message).dataset.when !== state;
    }
    if (state !== "live") this.show([]);
  }

  get isClip() {
    return this.source instanceof ClipSource;
  }

  get camera() {
    return this.source instanceof CameraSource ? this.source : null;
  }

  /** Starts the camera if that needs no question; otherwise waits for the shopper. */
  async offer() {
    if (!navigator.mediaDevices?.getUserMedia) this.state = "insecure";
    else if ((await cameraAllowed()) === "granted") await this.startCamera();
    else this.state = "idle";
  }

  async startCamera() {
    this.closeSource();
    this.state = "starting";
    const source = new CameraSource(/** @type {HTMLVideoElement} */ (this.video), () => this.fail("missing"));
    this.source = source;
    try {
      await source.start(preferences.camera);
    } catch (error) {
      source.stop();
      if (this.source === source) this.fail(error instanceof CameraUnavailable ? error.reason : "busy");
      return;
    }
    if (this.source !== source) {
      source.stop();
      return;
    }
    this.begin();
  }

  async startClip() {
    if (!options.clip_path) return;
    this.closeSource();
    this.state = "starting";
    const source = new ClipSource(/** @type {HTMLCanvasElement} */ (this.clip), () => this.fail("ended"));
    this.source = source;
    try {
      await source.start(options.clip_path);
    } catch (error) {
      console.error(error);
      if (this.source === source) this.fail("missing");
      return;
    }
    if (this.source === source) this.begin();
  }

  begin() {
    if (this.video) this.video.hidden = this.isClip;
    if (this.clip) this.clip.hidden = !this.isClip;
    this.state = "live";
    this.mirror();
    this.say(say(this.isClip ? "clip_playing" : "show_product"));
    this.dispatchEvent(new Event("source"));
  }

  /** Shows the camera as a mirror, or not, as the shopper chose or as suits the camera. */
  mirror() {
    const mirrored = this.isMirrored;
    this.video?.classList.toggle("mirrored", mirrored);
    if (this.overlay) this.overlay.mirrored = mirrored;
  }

  get isMirrored() {
    if (!this.camera) return false;
    return preferences.mirror ?? this.camera.facesShopper;
  }

  /** @param {StageState} reason */
  fail(reason) {
    this.closeSource();
    this.state = reason;
    this.dispatchEvent(new Event("source"));
  }

  closeSource() {
    this.source?.stop();
    this.source = null;
  }

  /** What the till may look at now. @returns {import("./frame-pump.js").Picture | null} */
  look() {
    return this.state === "live" ? this.source : null;
  }

  /** Lets a clip wait for the connection. @param {boolean} paused */
  pause(paused) {
    if (this.source instanceof ClipSource) this.source.paused = paused;
  }

  /** @param {Detection[]} detections boxes relative to the frame that was sent */
  show(detections) {
    this.overlay?.show(this.state === "live" ? detections : []);
    const now = performance.now();
    const strange = detections.filter((detection) => detection.state === "unknown");
    for (const track of this.strangers.keys()) {
      if (!strange.some((detection) => detection.track === track)) this.strangers.delete(track);
    }
    for (const { track } of strange) if (!this.strangers.has(track)) this.strangers.set(track, now);
    if ([...this.strangers.values()].some((since) => now - since > UNKNOWN_AFTER_MS)) this.strangerAt = now;
    if (detections.some((detection) => detection.state === "accepted")) this.strangerAt = -Infinity;
    this.resembling = strange.find((detection) => detection.choices.length > 0) ?? this.resembling;
    if (now - this.strangerAt > UNKNOWN_STAYS_MS) this.resembling = null;
    if (this.resembles) this.resembles.hidden = this.resembling === null;
    if (this.unknown) this.unknown.hidden = this.state !== "live" || now - this.strangerAt > UNKNOWN_STAYS_MS;
    if (this.state === "live") {
      const looking = detections.some((detection) => detection.state === "candidate");
      this.say(say(looking ? "looking" : this.isClip ? "clip_playing" : "show_product"));
    }
  }

  /** @param {string} words */
  say(words) {
    if (this.hint && this.hint.textContent !== words) this.hint.textContent = words;
  }
}

customElements.define("scan-camera", ScanCamera);
