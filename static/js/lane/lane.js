// @ts-check
// A lane: one shopper after another at the same page. Begins and ends visits, calls staff, and obeys them.

import { part } from "../dom.js";
import { options, say } from "../options.js";
import { preferences } from "../preferences.js";
import { camerasList } from "../camera/camera-source.js";
import { IdleWatch } from "./idle-watch.js";
import { laneRequest } from "./lane-api.js";
import { LaneAttract } from "./lane-attract.js";
import { LaneLink } from "./lane-link.js";
import { LaneSender } from "./lane-sender.js";
import { LaneStaff } from "./lane-staff.js";
import { closeCodes } from "../connection/steady-socket.js";
import { fillScreen, kioskBegin } from "./screen.js";
import { StaffCall } from "./staff-call.js";
import { StillThere } from "./still-there.js";

/** @typedef {import("../connection/protocol.js").Message} Message */
/** @typedef {import("../connection/protocol.js").Cart} Cart */
/** @typedef {import("../options.js").LaneOptions} LaneOptions */
/** @typedef {import("../options.js").LaneSettings} LaneSettings */
/**
 * What the checkout page lends to its lane.
 * @typedef {{
 *   stage: import("../camera/scan-camera.js").ScanCamera,
 *   cart: import("../cart/cart-panel.js").CartPanel,
 *   toast: import("../cart/add-toast.js").AddToast,
 *   socket: import("../connection/checkout-socket.js").CheckoutSocket,
 *   speed: import("../connection/answer-speed.js").AnswerSpeed,
 *   scanner: EventTarget,
 *   question: EventTarget,
 *   settingsShow: () => void,
 * }} Page
 */

const AGAIN_MS = 2000;
const LOOK_AGAIN_MS = 60_000;
const REFUSED_MS = 3000;

/** @template {HTMLElement} T @param {string} name @param {new () => T} type @returns {T} */
function element(name, type) {
  const found = document.querySelector(name);
  if (!(found instanceof type)) throw new Error(`The page has no ${name}.`);
  return found;
}

/** @param {number} ms */
function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export class Lane {
  /** @type {"waiting" | "shopping" | "ending"} */
  phase = "waiting";
  isPaying = false;
  hasEnded = false;
  /** @type {import("./lane-link.js").LaneAlert[]} */
  alerts = [];

  /** @param {LaneOptions} lane @param {Page} page */
  constructor(lane, page) {
    this.lane = lane;
    this.page = page;
    this.attract = element("lane-attract", LaneAttract);
    this.still = element("still-there", StillThere);
    this.staff = element("lane-staff", LaneStaff);
    this.call = element("staff-call", StaffCall);
    this.restart = element("lane-restart dialog", HTMLDialogElement);
    this.link = new LaneLink(lane.socket_path);
    this.sender = new LaneSender(this.link, page.stage);
    this.idle = new IdleWatch({ after_s: lane.idle_after_s, countdown_s: lane.idle_countdown_s });
    /** What the page's buttons do at a lane. */
    this.actions = {
      help: (/** @type {HTMLElement} */ button) => this.helpCall(button),
      restart: () => this.restart.showModal(),
      staff: () => this.staff.open(),
    };
    Object.assign(preferences.values, { mode: lane.mode, zone: lane.zone, silent: !lane.sound, visit: options.session_id });
    this.listen();
  }

  /** Whether shoppers may begin: the lane is open, and the store by its hours. */
  get isOpen() {
    return this.lane.is_open && this.lane.store_is_open;
  }

  /** Whether nobody may shop here now; a visit that began before goes on. */
  get isShut() {
    return this.phase !== "shopping" && !this.isOpen;
  }

  /** Goes to work. */
  begin() {
    kioskBegin();
    this.link.open();
    this.phaseShow();
    this.staff.laneShow(this.lane.is_open, []);
    setInterval(() => void this.lookAgain(), LOOK_AGAIN_MS);
    if (this.lane.has_begun) this.start();
    void this.cameraStart();
  }

  listen() {
    const { page, link, staff, idle, still } = this;
    this.attract.addEventListener("start", () => this.touched());
    for (const name of ["pointerdown", "keydown"]) {
      document.addEventListener(name, () => this.idle.sign(), { capture: true });
    }
    page.scanner.addEventListener("scan", (event) => {
      staff.scanned(/** @type {CustomEvent} */ (event).detail.beganAt);
      this.start();
    });
    page.question.addEventListener("asked", () => this.start());
    page.socket.addEventListener("state", () => this.attractShow());
    page.speed.addEventListener("answer", (event) => this.answered(/** @type {CustomEvent} */ (event).detail.ms));
    for (const name of ["source", "trouble"]) page.stage.addEventListener(name, () => this.cameraShow());

    idle.addEventListener("ask", () => (page.cart.isEmpty ? void this.end("idle") : still.open()));
    idle.addEventListener("count", (event) => {
      still.show(/** @type {CustomEvent} */ (event).detail.left_s, idle.times.countdown_s);
    });
    idle.addEventListener("back", () => still.close());
    idle.addEventListener("gone", () => void this.end("idle"));
    still.addEventListener("stay", () => idle.sign());

    part(this.restart, "restart-back", HTMLButtonElement).addEventListener("click", () => this.restart.close());
    part(this.restart, "restart-yes", HTMLButtonElement).addEventListener("click", () => void this.end("start_over"));
    this.call.addEventListener("cancel", () => link.cancelHelp());

    link.addEventListener("ready", (event) => this.ready(/** @type {CustomEvent} */ (event).detail));
    link.addEventListener("settings", (event) => this.settingsTake(/** @type {CustomEvent} */ (event).detail.settings));
    link.addEventListener("alerts", (event) => this.alertsShow(/** @type {CustomEvent} */ (event).detail.alerts));
    link.addEventListener("command", (event) => this.obey(/** @type {CustomEvent} */ (event).detail));
    link.addEventListener("state", (event) => this.linkChanged(/** @type {CustomEvent} */ (event).detail));

    staff.addEventListener("unlocked", () => this.idlePause());
    staff.addEventListener("locked", () => this.locked());
    staff.addEventListener("ended", () => this.home());
    staff.addEventListener("restart-camera", () => void this.cameraStart());
    document.addEventListener("click", (event) => {
      if (/** @type {Element} */ (event.target).closest("[data-action=zone]")) this.zoneDraw();
    }, { capture: true });
    preferences.addEventListener("kept", (event) => this.kept(/** @type {CustomEvent} */ (event).detail));
  }

  /** Nothing that needs the rights of staff stays open. */
  locked() {
    element("checkout-settings dialog", HTMLDialogElement).close();
    this.page.stage.zone?.close();
    this.idlePause();
  }

  // The visit

  /** The shopper touched the start. */
  touched() {
    fillScreen();
    this.start();
  }

  /** Somebody shops. @param {boolean} [isUnderWay] whether the visit began earlier, maybe before the lane was closed */
  start(isUnderWay = false) {
    if (this.phase !== "waiting" || !(this.isOpen || isUnderWay)) return;
    this.phase = "shopping";
    this.phaseShow();
    this.idle.start();
    this.activityTell();
    document.getElementById("cart-title")?.focus({ preventScroll: true });
  }

  /** Ends the visit, however long that takes: nobody sees the cart of the last shopper. @param {"start_over" | "idle"} reason */
  async end(reason) {
    if (this.phase === "ending") return;
    this.phase = "ending";
    this.idle.stop();
    for (const dialog of document.querySelectorAll("dialog[open]")) /** @type {HTMLDialogElement} */ (dialog).close();
    this.phaseShow();
    for (;;) {
      const { ok, status } = await laneRequest(this.lane.end_path, { reason });
      if (ok || (status >= 400 && status < 500 && status !== 429)) break;
      await wait(AGAIN_MS);
    }
    this.home();
  }

  /** Loads the lane anew, for the next shopper. */
  home() {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.page.socket.close();
    this.link.close();
    location.replace(this.lane.fresh_path);
  }

  phaseShow() {
    const isShopping = this.phase === "shopping";
    document.body.dataset.lane = this.phase;
    this.attract.hidden = isShopping;
    for (const one of document.querySelectorAll(".stage-area, cart-panel, .skip-link")) {
      /** @type {HTMLElement} */ (one).inert = !isShopping;
    }
    this.attractShow();
  }

  /** The attract screen promises only what works. */
  attractShow() {
    const { socket } = this.page;
    if (this.attract.state === "elsewhere") return;
    if (!this.lane.store_is_open) this.attract.state = "after_hours";
    else if (!this.lane.is_open) this.attract.state = "closed";
    else if (this.phase === "ending") this.attract.state = "ending";
    else if (socket.isAnswering) this.attract.state = "ready";
    else this.attract.state = socket.tries || socket.isSilent ? "offline" : "connecting";
  }

  /** @param {Message} message */
  heard(message) {
    switch (message.type) {
      case "session.ready":
        this.cartTake(message.cart);
        break;
      case "cart.updated":
        this.cartTake(message.cart);
        this.idle.sign();
        this.start();
        break;
      case "frame.result":
        if (message.dropped) this.link.telemetry.drop(message.dropped);
        if (message.detections.length) this.idle.sign();
        break;
      case "error":
        if (message.code === "staff_needed") this.link.trouble("approval");
        break;
      default:
    }
  }

  /** @param {Cart} cart */
  cartTake(cart) {
    this.staff.show(cart);
    if (cart.items.length || cart.unresolved?.length) this.start(true);
  }

  /** @param {boolean} paying */
  paying(paying) {
    this.isPaying = paying;
    this.idlePause();
    this.activityTell();
  }

  /** A payment did not go through, and the shopper could not mend it. @param {string} [code] of the refusal */
  payFailed(code) {
    this.link.trouble(code === "staff_needed" ? "approval" : "payment");
  }

  activityTell() {
    this.link.activity(this.phase !== "shopping" ? "waiting" : this.isPaying ? "paying" : "shopping");
  }

  /** Time stands still while the shop is busy with this visit. */
  idlePause() {
    this.idle.pause(this.isPaying || this.staff.isUnlocked || !this.call.hidden);
  }

  // The lane

  /** @param {{lane: LaneSettings, alerts: import("./lane-link.js").LaneAlert[], session_id: string}} detail */
  ready({ lane, alerts, session_id: session }) {
    this.settingsTake(lane);
    this.alertsShow(alerts ?? []);
    this.cameraShow();
    this.activityTell();
    if (session && session !== options.session_id) this.home(); // the visit ended while nobody was told
  }

  /** @param {{state: string, code: number}} detail */
  linkChanged({ state, code }) {
    if (state !== "refused") return;
    if (code !== closeCodes.replaced) {
      setTimeout(() => this.home(), REFUSED_MS); // logged out or revoked: the page leads to what is to be done
      return;
    }
    this.phase = "ending";
    this.phaseShow();
    this.attract.state = "elsewhere";
    this.page.socket.close();
    this.page.stage.fail("idle");
  }

  /** @param {Partial<LaneSettings>} settings */
  settingsTake(settings) {
    const { isOpen: wasOpen } = this;
    const { camera_label: before, ...counted } = this.lane;
    Object.assign(this.lane, settings);
    const { mode, zone, sound, idle_after_s: after_s, idle_countdown_s: countdown_s } = this.lane;
    this.idle.times = { after_s, countdown_s };
    Object.assign(preferences.values, { mode, zone });
    if (this.phase !== "shopping") preferences.values.silent = !sound;
    const isNews = JSON.stringify([counted.mode, counted.zone, counted.sound]) !== JSON.stringify([mode, zone, sound]);
    if (isNews) this.page.settingsShow();
    this.staff.laneShow(this.lane.is_open, this.alerts);
    this.attractShow();
    if (before !== this.lane.camera_label || wasOpen !== this.isOpen) void this.cameraStart();
  }

  /** @param {import("./lane-link.js").LaneAlert[]} alerts */
  alertsShow(alerts) {
    this.alerts = alerts;
    const text = this.call.show(alerts);
    part(document, "settle-call", HTMLElement).textContent = text;
    this.staff.laneShow(this.lane.is_open, alerts);
    this.idlePause();
  }

  /** @param {HTMLElement} button */
  helpCall(button) {
    const line = /** @type {HTMLElement | null} */ (button.closest("[data-unresolved]"));
    if (!this.link.help(line?.dataset.unresolved ?? null)) this.page.toast.warn(say("help_failed"));
  }

  /** Does what a member of staff wants of the lane. @param {{command: string, by: string, session_id?: string}} detail */
  obey({ command, by }) {
    if (command === "reset") this.home();
    else if (command === "restart_camera") void this.cameraStart();
    else if (command === "approved") this.page.toast.show(say("approved", { name: by }));
  }

  /** What staff set at the lane is the lane's. @param {import("../preferences.js").Kept} changes */
  kept({ mode, zone, camera }) {
    if (!this.staff.isUnlocked) return;
    if (mode !== undefined) void this.staff.save({ mode });
    if (zone !== undefined) void this.staff.save({ zone });
    if (camera !== undefined) void this.cameraSave(camera);
  }

  /** The scan area is drawn on the picture, which has to be seen. */
  zoneDraw() {
    this.staff.close();
    this.start(true);
  }

  /** @param {string} deviceId */
  async cameraSave(deviceId) {
    const camera = (await camerasList()).find((one) => one.deviceId === deviceId);
    await this.staff.save({ camera_label: camera?.label ?? "" });
  }

  /** Looks whether the lane has opened or closed, as stores do by the clock. */
  async lookAgain() {
    if (this.phase !== "waiting") return;
    const { ok, body } = await laneRequest(this.lane.lane_path);
    if (ok && this.phase === "waiting") this.settingsTake(body);
  }

  // The camera

  async cameraStart() {
    const { stage } = this.page;
    if (!this.isOpen && this.phase === "waiting") return stage.fail("idle");
    await this.cameraChoose();
    await stage.startCamera();
    // Cameras have names only after the first was allowed.
    const label = this.lane.camera_label;
    if (label && stage.camera?.track?.label !== label && (await this.cameraChoose())) await stage.startCamera();
    return undefined;
  }

  /** Finds the camera that the lane is to use; false where it is not there, or was found before. */
  async cameraChoose() {
    const cameras = this.lane.camera_label ? await camerasList() : [];
    const wanted = cameras.find((camera) => camera.label === this.lane.camera_label)?.deviceId ?? "";
    const isNews = wanted !== "" && wanted !== preferences.camera;
    preferences.values.camera = wanted;
    return isNews;
  }

  cameraShow() {
    const { stage } = this.page;
    const isLive = stage.state === "live";
    this.link.camera(isLive ? (stage.watch?.trouble ?? "live") : "off");
    this.attract.camera(isLive && !stage.watch?.trouble);
  }

  /** @param {number} ms Infinity for a frame that was refused for lack of time */
  answered(ms) {
    if (Number.isFinite(ms)) this.link.telemetry.answered(ms);
    else this.link.telemetry.drop(1);
  }
}
