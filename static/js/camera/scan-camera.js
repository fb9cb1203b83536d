// @ts-check
// <scan-camera>: the stage. Shows the camera or the clip with its boxes, and says what to do when there is neither.

import { BoxOverlay } from "./box-overlay.js";
import { CameraSource, CameraUnavailable, cameraAllowed, camerasList } from "./camera-source.js";
import { CameraWatch } from "./camera-watch.js";
import { ClipSource } from "./clip-source.js";
import { part } from "../dom.js";
import { options, say } from "../options.js";
import { preferences } from "../preferences.js";
import { ScanZone } from "./scan-zone.js";
import { UnknownItems } from "./unknown-items.js";
import { WhyPanel } from "./why-panel.js";

/** @typedef {import("../connection/protocol.js").Detection} Detection */
/** @typedef {import("../connection/protocol.js").FrameResult} FrameResult */
/** @typedef {"idle" | "starting" | "live" | "refused" | "missing" | "busy" | "insecure" | "ended" | "unplugged"} StageState */

const CAMERA_AGAIN_MS = 3000;

/** Events: "source" when the camera or clip changed, "trouble" (detail: {trouble}); those of `UnknownItems`. */
export class ScanCamera extends HTMLElement {
  /** @type {CameraSource | ClipSource | null} */
  source = null;
  /** @type {CameraWatch | null} */
  watch = null;
  again = 0;

  connectedCallback() {
    this.video = part(this, "video", HTMLVideoElement);
    this.clip = part(this, "clip", HTMLCanvasElement);
    this.hint = part(this, "hint", HTMLElement);
    this.lost = part(this, "lost", HTMLElement);
    this.zone = /** @type {ScanZone} */ (this.querySelector("scan-zone"));
    this.why = /** @type {WhyPanel} */ (this.querySelector("why-panel"));
    this.unknownItems = new UnknownItems(part(this, "unknown", HTMLElement), this);
    this.overlay = new BoxOverlay(
      part(this, "boxes", HTMLCanvasElement),
      () => this.source?.shownAt ?? performance.now(),
    );
    this.overlay.start();
    this.stop = new AbortController();
    const { signal } = this.stop;
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.cameraBack(true), { signal });
  }

  disconnectedCallback() {
    this.stop?.abort();
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
    if (state === "live") return;
    this.clear();
    this.zone?.close();
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
    const source = new CameraSource(/** @type {HTMLVideoElement} */ (this.video), () => this.cameraLost());
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
    this.watch = new CameraWatch(source, (trouble) => this.troubleShow(trouble));
  }

  /** The camera was unplugged or taken away: says so, and looks for it until it is back. */
  cameraLost() {
    this.fail("unplugged");
    this.again = setInterval(() => void this.cameraBack(false), CAMERA_AGAIN_MS);
  }

  /** Goes on with a camera that is back. @param {boolean} plugged whether a device has just been plugged in or out */
  async cameraBack(plugged) {
    if (this.state !== "unplugged" || document.visibilityState === "hidden") return;
    if (!plugged && (await cameraAllowed()) !== "granted") return; // would ask again and again
    if ((await camerasList()).length > 0 && this.state === "unplugged") await this.startCamera();
  }

  /** Says what is wrong with the camera's picture; null: nothing. @param {string | null} trouble */
  troubleShow(trouble) {
    this.toggleAttribute("trouble", trouble !== null);
    for (const message of this.querySelectorAll("[data-trouble]")) {
      /** @type {HTMLElement} */ (message).hidden = /** @type {HTMLElement} */ (message).dataset.trouble !== trouble;
    }
    if (trouble) this.clear();
    this.dispatchEvent(new CustomEvent("trouble", { detail: { trouble } }));
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
    this.zone?.mirror(mirrored);
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
    clearInterval(this.again);
    this.watch?.stop();
    this.watch = null;
    this.troubleShow(null);
    this.source?.stop();
    this.source = null;
  }

  /** The picture to send now; null while there is none. @returns {import("./frame-pump.js").Picture | null} */
  look() {
    return this.state === "live" ? this.source : null;
  }

  /** Lets a clip wait for the connection. @param {boolean} paused */
  pause(paused) {
    if (this.source instanceof ClipSource) this.source.paused = paused;
  }

  /** Shows or hides that the server does not answer. @param {boolean} lost */
  connectionLost(lost) {
    this.toggleAttribute("lost", lost);
    if (this.lost) this.lost.hidden = !lost;
  }

  clear() {
    this.overlay?.show([]);
    this.unknownItems?.consider([]);
  }

  /** @param {FrameResult} result @param {number} takenAt when its frame was taken */
  show(result, takenAt) {
    if (this.state !== "live") return;
    const { detections } = result;
    this.overlay?.show(detections, takenAt, result.debug ?? null);
    this.why?.show(result);
    this.unknownItems?.consider(detections);
    const looking = detections.some((detection) => detection.state === "candidate");
    this.say(say(looking ? "looking" : this.isClip ? "clip_playing" : "show_product"));
  }

  /** @param {string} text */
  say(text) {
    if (this.hint && this.hint.textContent !== text) this.hint.textContent = text;
  }
}

customElements.define("scan-camera", ScanCamera);
