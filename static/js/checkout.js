// @ts-check
// The checkout page: connects the stage, the cart and the dialogs with the server.

import { AddToast } from "./cart/add-toast.js";
import { CartNews } from "./cart/cart-news.js";
import { CartPanel } from "./cart/cart-panel.js";
import { chime, soundUnlock } from "./cart/chime.js";
import { ConnectionPill } from "./connection/connection-pill.js";
import { FindProduct } from "./cart/find-product.js";
import { FramePump } from "./camera/frame-pump.js";
import { addressOf, options, say, sayRefusal } from "./options.js";
import { preferences } from "./preferences.js";
import { ScanCamera } from "./camera/scan-camera.js";
import { AnswerSpeed } from "./connection/answer-speed.js";
import { cameraKeyOfTab } from "./connection/camera-key.js";
import { CheckoutSettings } from "./checkout-settings.js";
import { CheckoutSocket, closeCodes } from "./connection/checkout-socket.js";
import { QuestionDialog } from "./cart/question-dialog.js";
import { WHOLE, isWhole } from "./camera/zone-shape.js";

/** @typedef {import("./connection/protocol.js").Box} Box */
/** @typedef {import("./connection/protocol.js").Message} Message */
/** @typedef {import("./connection/protocol.js").CartUpdated} CartUpdated */
/** @typedef {import("./connection/protocol.js").Refusal} Refusal */
/** @typedef {import("./connection/protocol.js").SessionReady} SessionReady */

const HIDDEN_CAMERA_OFF_MS = 20_000;
const LOST_SAID_AFTER_MS = 1200;
const ZONE_SENT_AFTER_MS = 200;
const PAY_WAIT_MS = 20_000;
/** Answers to frames for which the server had no time. */
const TOO_LATE = new Set(["late_frame", "engine_busy"]);
/** Refusals after which there is nothing left to take back. */
const UNDO_IS_OVER = new Set(["no_such_change", "already_undone", "nothing_to_undo"]);

/** @template {Element} T @param {string} name @param {new () => T} type @returns {T} */
function element(name, type) {
  const found = document.querySelector(name);
  if (!(found instanceof type)) throw new Error(`The page has no ${name}.`);
  return found;
}

const stage = element("scan-camera", ScanCamera);
const cart = element("cart-panel", CartPanel);
const question = element("question-dialog", QuestionDialog);
const find = element("find-product", FindProduct);
const settings = element("checkout-settings", CheckoutSettings);
const pill = element("connection-pill", ConnectionPill);
const toast = element("add-toast", AddToast);
const socket = new CheckoutSocket(options.socket_path);
const speed = new AnswerSpeed();
const pump = new FramePump(
  () => stage.look(),
  (frame) => socket.frame(frame),
  speed,
);

const news = new CartNews(cart, toast);

let cameraOffTimer = 0;
let lostTimer = 0;
let zoneTimer = 0;
let cameraWasOn = false;
let leaving = false;

/** @param {Record<string, unknown>} command */
function order(command) {
  if (socket.command(command)) return true;
  if (find.isOpen) find.say(say("not_sent"), true);
  else toast.warn(say("not_sent"));
  return false;
}

/** @param {Message} message */
function received(message) {
  switch (message.type) {
    case "session.ready":
      ready(message);
      break;
    case "frame.result": {
      const takenAt = pump.answered(message.frame);
      pump.pace(message.pace_ms);
      stage.show(message, takenAt);
      question.consider(message.detections);
      break;
    }
    case "cart.updated":
      cartUpdated(message);
      break;
    case "barcode.seen":
      news.barcode(message);
      break;
    case "mode.changed":
      settings.showMode(message.mode);
      break;
    case "zone.changed":
      if (!stage.zone?.isOpen) zoneShow(message.zone);
      break;
    case "session.closed":
      socket.close();
      leave(message.order_id);
      break;
    case "error":
      if (message.frame !== undefined) frameRefused(message.frame, message.code, message.pace_ms);
      else refused(message);
      break;
    default:
  }
}

/** Tells a new connection how this device wants to count. @param {SessionReady} message */
function ready({ limits, mode, zone = WHOLE, cart: now }) {
  pump.reset();
  if (limits.max_fps) pump.limit(limits.max_fps);
  pump.pace(limits.pace_ms);
  find.currency = now.currency;
  question.reset();
  cart.show(now);
  const { mode: wanted, zone: kept } = preferences;
  if (wanted && wanted !== mode) socket.command({ type: "mode.set", mode: wanted });
  settings.showMode(wanted || (mode ?? "scan"));
  if (kept || !isWhole(zone)) socket.command({ type: "zone.set", zone: kept ?? WHOLE });
  if (preferences.why) socket.command({ type: "debug.set", on: true });
}

/** @param {Box} zone */
function zoneShow(zone) {
  stage.zone?.show(zone);
  settings.showZone(zone);
}

/** Remembers the zone on this device, and tells the server once the shopper pauses. @param {Box} zone */
function zoneKeep(zone) {
  preferences.keep({ zone: isWhole(zone) ? null : zone });
  zoneShow(zone);
  clearTimeout(zoneTimer);
  zoneTimer = setTimeout(() => {
    order({ type: "zone.set", zone });
    const [left, top, width, height] = zone.map((side) => Math.round(side * 100));
    toast.speak(isWhole(zone) ? say("zone_whole") : say("zone_is", { left, top, width, height }));
  }, ZONE_SENT_AFTER_MS);
}

/** @param {number} frame @param {string} code @param {number} [paceMs] */
function frameRefused(frame, code, paceMs) {
  pump.answered(frame, TOO_LATE.has(code));
  pump.pace(paceMs);
  if (code !== "engine_not_ready" && code !== "engine_busy") return;
  pump.rest();
  stage.say(say("not_ready"));
}

/** @param {CartUpdated} message */
function cartUpdated({ event, cart: now }) {
  news.tell(event, now, find.isAdding);
  if (event.action !== "add") return;
  if (find.isAdding) find.close();
  if (event.source === "barcode") {
    question.close();
    stage.unknownItems?.hide();
  }
}

/** @param {Refusal} message */
function refused({ code, detail, data }) {
  const text = sayRefusal(code, detail, data?.items);
  cart.forgetWishes();
  if (UNDO_IS_OVER.has(code)) news.forget();
  if (find.isOpen) find.say(text, true);
  else toast.warn(text);
}

/** @param {string | null} orderId */
function leave(orderId) {
  if (leaving) return; // the answer to the payment and the server's closing message arrive together
  leaving = true;
  pump.stop();
  location.assign(orderId ? addressOf(options.receipt_path, orderId) : location.pathname);
}

/** @param {import("./connection/checkout-socket.js").LinkState} state @param {number} code */
function linkChanged(state, code) {
  const text = {
    on: () => say("connected"),
    connecting: () => say(socket.tries ? "reconnecting" : "connecting"),
    silent: () => say(navigator.onLine ? "reconnecting" : "offline"),
    off: () => (navigator.onLine ? code === closeCodes.flooding ? say("slow_down", { seconds: socket.slowForS }) : say("reconnecting") : say("offline")),
    refused: () => say(code === closeCodes.notActive ? "ended" : "elsewhere"),
  }[state]();
  pill.show(state === "on", text);
  stage.pause(state !== "on");
  if (state === "on") {
    clearTimeout(lostTimer);
    lostTimer = 0;
    lostShow(false);
  } else if (state === "silent") {
    lostShow(true);
  } else if (socket.tries && !lostTimer) {
    lostTimer = setTimeout(() => lostShow(true), LOST_SAID_AFTER_MS);
  }
  if (state === "on") pump.start();
  else {
    pump.stop();
    stage.clear();
  }
  if (state === "refused" && code === closeCodes.unauthenticated) location.assign(options.login_path);
  if (state === "refused" && code === closeCodes.notActive) location.reload();
}

/** @param {boolean} lost */
function lostShow(lost) {
  stage.connectionLost(lost);
  cart.connectionLost(lost);
}

async function pay() {
  if (!socket.isAnswering) return cart.problem(say("pay_offline"));
  cart.setPaying(true);
  cart.problem("");
  const token = /** @type {HTMLInputElement | null} */ (document.querySelector("[name=csrfmiddlewaretoken]"));
  try {
    const answer = await fetch(options.confirm_path, {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRFToken": token?.value ?? "" },
      signal: AbortSignal.timeout(PAY_WAIT_MS),
    });
    const body = await answer.json();
    if (answer.ok) return leave(body.order_id);
    // Someone else has logged in, in another tab: the session is not theirs, or the form's token is the old one.
    const isForeign = answer.status === 403 || answer.status === 404;
    cart.problem(isForeign ? say("elsewhere") : sayRefusal(body.code, body.detail, body.items));
  } catch (error) {
    console.error(error);
    cart.problem(say("pay_failed"));
  }
  cart.setPaying(false);
}

function undo() {
  if (news.undoable && order({ type: "undo", event_id: news.undoable })) news.forget();
}

function soundShow() {
  const button = element("[data-action=sound]", HTMLButtonElement);
  button.setAttribute("aria-pressed", String(!preferences.silent));
  element("[data-action=sound] [data-part=on]", HTMLElement).hidden = preferences.silent;
  element("[data-action=sound] [data-part=off]", HTMLElement).hidden = !preferences.silent;
}

/** @type {Record<string, () => void>} */
const actions = {
  camera: () => cameraStart(),
  clip: () => {
    settings.close();
    clipStart();
  },
  find: () => find.open(),
  reconnect: () => socket.tryNow(),
  settings: () => void settings.open(stage.camera, stage.isMirrored, stage.state === "live"),
  sound: () => {
    preferences.keep({ silent: !preferences.silent });
    soundShow();
  },
  zone: () => {
    settings.close();
    stage.zone?.open();
  },
  "zone-whole": () => zoneKeep(WHOLE),
};

/** The clip's own visit ends with the clip: the camera belongs to the shopper's cart. */
function cameraStart() {
  if (options.own_path) location.assign(options.own_path);
  else void stage.startCamera();
}

/** Plays the clip into an empty cart, or into a visit of its own: never into what a shopper has scanned. */
function clipStart() {
  if (options.own_path || cart.isEmpty) void stage.startClip();
  else if (socket.isAnswering) location.assign(options.clip_visit_path);
  else toast.warn(say("not_sent"));
}

/** A page nobody looks at sends nothing, and after a while lets go of the camera. */
function visibilityChanged() {
  clearTimeout(cameraOffTimer);
  if (document.visibilityState === "hidden") {
    pump.stop();
    stage.pause(true);
    cameraOffTimer = setTimeout(() => {
      cameraWasOn = stage.camera !== null;
      if (cameraWasOn) stage.fail("idle");
    }, HIDDEN_CAMERA_OFF_MS);
    return;
  }
  if (cameraWasOn) void stage.startCamera();
  cameraWasOn = false;
  if (socket.isAnswering) pump.start();
  stage.pause(!socket.isAnswering);
}

document.addEventListener("click", (event) => {
  soundUnlock();
  const target = /** @type {Element} */ (event.target).closest("[data-action]");
  if (target instanceof HTMLElement) actions[target.dataset.action ?? ""]?.();
});
document.addEventListener("keydown", soundUnlock, { once: true });
document.addEventListener("visibilitychange", visibilityChanged);
addEventListener("pagehide", () => socket.close());
addEventListener("pageshow", (event) => event.persisted && location.reload());

socket.addEventListener("message", (event) => received(/** @type {CustomEvent} */ (event).detail));
socket.addEventListener("state", (event) => {
  const { state, code } = /** @type {CustomEvent} */ (event).detail;
  linkChanged(state, code);
});
speed.addEventListener("change", () => pill.slow(speed.isSlow));
stage.addEventListener("source", () => stage.pause(!socket.isAnswering));
cart.addEventListener("quantity", (event) => {
  if (!order({ type: "item.set", .../** @type {CustomEvent} */ (event).detail })) cart.forgetWishes();
});
cart.addEventListener("wrong", (event) => find.openInstead(/** @type {CustomEvent} */ (event).detail.line));
cart.addEventListener("undo", undo);
toast.addEventListener("undo", undo);
cart.addEventListener("pay", () => void pay());
question.addEventListener("choose", (event) => order({ type: "choose", .../** @type {CustomEvent} */ (event).detail }));
question.addEventListener("asked", () => chime("question"));
question.addEventListener("search", () => find.open());
stage.addEventListener("answer", (event) => order({ type: "choose", .../** @type {CustomEvent} */ (event).detail }));
stage.addEventListener("unknown", (event) => {
  toast.hide(); // the cart still offers to take the last change back
  toast.speak(/** @type {CustomEvent} */ (event).detail.text);
  chime("question");
});
stage.zone?.addEventListener("change", (event) => zoneKeep(/** @type {CustomEvent} */ (event).detail.zone));
stage.zone?.addEventListener("closed", () => element("[data-action=settings]", HTMLButtonElement).focus());
find.addEventListener("correct", (event) => order({ type: "item.correct", .../** @type {CustomEvent} */ (event).detail }));
find.addEventListener("barcode", (event) => order({ type: "barcode", .../** @type {CustomEvent} */ (event).detail }));
find.addEventListener("pick", (event) => {
  const { product_id } = /** @type {CustomEvent} */ (event).detail;
  order({ type: "item.set", product_id, quantity: cart.quantityOf(product_id) + 1 });
});
settings.addEventListener("camera", cameraStart);
settings.addEventListener("mirror", () => stage.mirror());
settings.addEventListener("mode", (event) => order({ type: "mode.set", .../** @type {CustomEvent} */ (event).detail }));
settings.addEventListener("zone", (event) => zoneKeep(/** @type {CustomEvent} */ (event).detail.zone));
settings.addEventListener("why", (event) => {
  const { on } = /** @type {CustomEvent} */ (event).detail;
  stage.why?.turn(on);
  order({ type: "debug.set", on });
});

soundShow();
zoneShow(preferences.zone ?? WHOLE);
stage.why?.turn(preferences.why);
void cameraKeyOfTab().then((key) => socket.open(key));
if (options.start_with_clip && options.clip_path) void stage.startClip();
else void stage.offer();
