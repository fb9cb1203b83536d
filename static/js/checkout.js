// @ts-check
// The checkout page: connects the stage, the cart and the dialogs with the server.

import { AddToast } from "./cart/add-toast.js";
import { CartNews } from "./cart/cart-news.js";
import { CartPanel } from "./cart/cart-panel.js";
import { chime, soundUnlock } from "./cart/chime.js";
import { ConnectionPill } from "./connection/connection-pill.js";
import { FindProduct } from "./cart/find-product.js";
import { FramePump } from "./camera/frame-pump.js";
import { csrfToken } from "./dom.js";
import { addressOf, options, say, sayRefusal } from "./options.js";
import { Lane } from "./lane/lane.js";
import { preferences } from "./preferences.js";
import { ScanCamera } from "./camera/scan-camera.js";
import { itemPicture } from "./camera/item-picture.js";
import { AnswerSpeed } from "./connection/answer-speed.js";
import { cameraKeyOfTab, uuidMake } from "./connection/camera-key.js";
import { CheckoutSettings } from "./checkout-settings.js";
import { CheckoutSocket } from "./connection/checkout-socket.js";
import { closeCodes } from "./connection/steady-socket.js";
import { QuestionDialog } from "./cart/question-dialog.js";
import { ScanNews, codeShown } from "./scanner/scan-news.js";
import { ScanQueue } from "./scanner/scan-queue.js";
import { WedgeScanner } from "./scanner/wedge-scanner.js";
import { SettleDialog } from "./cart/settle-dialog.js";
import { WHOLE, isWhole } from "./camera/zone-shape.js";

/** @typedef {import("./connection/protocol.js").Box} Box */
/** @typedef {import("./connection/protocol.js").Message} Message */
/** @typedef {import("./connection/protocol.js").BarcodeSeen} BarcodeSeen */
/** @typedef {import("./connection/protocol.js").Cart} Cart */
/** @typedef {import("./connection/protocol.js").CartUpdated} CartUpdated */
/** @typedef {import("./connection/protocol.js").Refusal} Refusal */
/** @typedef {import("./scanner/scan-queue.js").Scan} Scan */
/** @typedef {import("./connection/protocol.js").SessionReady} SessionReady */
/** @typedef {import("./connection/protocol.js").Unresolved} Unresolved */

const HIDDEN_CAMERA_OFF_MS = 20_000;
const LOST_SAID_AFTER_MS = 1200;
const ZONE_SENT_AFTER_MS = 200;
/** Refusals of a scan that may pass by themselves. */
const REFUSED_FOR_A_MOMENT = new Set(["database_unavailable", "internal_error"]);
/** Refusals that belong to the line of the item that was to be settled. */
const ABOUT_UNRESOLVED = new Set(["staff_needed", "already_resolved", "unresolved_not_found"]);
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
const settle = element("settle-dialog", SettleDialog);
const settings = element("checkout-settings", CheckoutSettings);
const pill = element("connection-pill", ConnectionPill);
const toast = element("add-toast", AddToast);
const socket = new CheckoutSocket(options.socket_path);
const speed = new AnswerSpeed();
const pump = new FramePump(
  () => stage.look(),
  (frame) => socket.picture(frame),
  speed,
);

const news = new CartNews(cart, toast);
const scanner = new WedgeScanner();
const scans = new ScanQueue(socket);
const scanNews = element("scan-news", ScanNews);
const lane = options.lane ? new Lane(options.lane, { stage, cart, toast, socket, speed, scanner, question, settingsShow }) : null;

let cameraOffTimer = 0;
let lostTimer = 0;
let zoneTimer = 0;
let cameraWasOn = false;
let leaving = false;
/** @type {string | null} product of a barcode that the camera has just seen on an item */
let seenOnItem = null;

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
      barcodeSeen(message);
      break;
    case "barcode.added":
      scans.answered(message.event_id);
      scanNews.hide();
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
    case "session.moved":
      socket.close();
      movedAway();
      break;
    case "error":
      if (message.frame !== undefined) frameRefused(message.frame, message.code, message.pace_ms);
      else if (!scanRefused(message)) refused(message);
      break;
    default:
  }
  lane?.heard(message);
}

/** Tells a new connection how this device wants to count. @param {SessionReady} message */
function ready({ limits, mode, zone = WHOLE, cart: now }) {
  pump.reset();
  if (limits.max_fps) pump.limit(limits.max_fps);
  pump.pace(limits.pace_ms);
  find.currency = now.currency;
  question.currency = now.currency;
  question.reset();
  cart.show(now);
  unresolvedFollow(now);
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

/** Shows the settings that the lane has now, and tells the server. */
function settingsShow() {
  soundShow();
  zoneShow(preferences.zone ?? WHOLE);
  settings.showMode(preferences.mode || "scan");
  socket.command({ type: "mode.set", mode: preferences.mode || "scan" });
  socket.command({ type: "zone.set", zone: preferences.zone ?? WHOLE });
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
  unresolvedFollow(now);
  if (event.action !== "add") return;
  const scan = scans.answered(event.id);
  if (scan) scanAdded(scan, event.name);
  if (scan && !find.isScannedInto(scan.field)) return;
  if (scan) find.close();
  else find.added(event.source);
  if (event.source === "barcode") {
    // A barcode that the camera saw on an item answers for that item alone.
    if (event.product_id !== seenOnItem) question.settledShown();
    seenOnItem = null;
    stage.unknownItems?.hide();
  }
}

/** A scan leaves every dialog as it is, which then hides the news of the cart. @param {Scan} scan @param {string} name */
function scanAdded(scan, name) {
  if (document.querySelector("dialog[open]") && !find.isScannedInto(scan.field)) scanNews.show(say("added", { name }), "good");
  else scanNews.hide();
}

/** @param {string} key @param {Scan} scan @param {string} [reason] */
function scanWarn(key, scan, reason = "") {
  scanNews.show(say(key, { code: codeShown(scan.code), reason }), "warning");
  chime("refused");
}

/** Whether a refusal was about a scan, and has been dealt with. @param {Refusal} message */
function scanRefused({ code, detail, data }) {
  if (data?.event_id && REFUSED_FOR_A_MOMENT.has(code) && scans.again(data.event_id)) return true;
  const scan = scans.answered(data?.event_id);
  if (!scan) return false;
  const key = { no_such_product: "scan_unknown", bad_barcode: "scan_invalid" }[code] ?? "scan_refused";
  scanWarn(key, scan, sayRefusal(code, detail, data?.items));
  return true;
}

/** @param {BarcodeSeen} message */
function barcodeSeen(message) {
  news.barcode(message);
  if (message.product_id === null || message.track === null) return;
  seenOnItem = message.product_id;
  question.settled(message.track);
}

/** Lets all that shows unresolved items know which are left. @param {Cart} now */
function unresolvedFollow(now) {
  const open = now.unresolved ?? [];
  question.follow(open);
  find.follow(open);
  settle.show(now);
}

/** Says why an unresolved item could not be settled, where the shopper tapped. @param {string} text */
function unresolvedRefused(text) {
  cart.unresolved?.note(text);
  settle.unresolved?.note(text);
}

/** @param {Refusal} message */
function refused({ code, detail, data }) {
  const text = sayRefusal(code, detail, data?.items);
  cart.forgetWishes();
  if (UNDO_IS_OVER.has(code)) news.forget();
  if (ABOUT_UNRESOLVED.has(code)) unresolvedRefused(text);
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

/** The visit goes on on another device: the server's page says so, and how to go on here. */
function movedAway() {
  if (leaving) return;
  leaving = true;
  pump.stop();
  location.reload();
}

/** @param {import("./connection/steady-socket.js").LinkState} state @param {number} code */
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

/** Pays, unless the shopper has to say first what some items were. */
function payOrSettle() {
  const now = cart.cart;
  if (now?.unresolved?.length) settle.open(now);
  else void pay();
}

/** @param {boolean} paying */
function payingShow(paying) {
  cart.setPaying(paying);
  settle.setPaying(paying);
  lane?.paying(paying);
}

/** @param {string} text */
function payProblem(text) {
  cart.problem(text);
  settle.problem(text);
}

/** Shows a cart that came with a refusal. @param {Cart} now */
function cartShow(now) {
  cart.show(now);
  unresolvedFollow(now);
}

/** Shows the items that were open when the payment came; the cart of this page did not know of them all. @param {Unresolved[]} open */
function unresolvedLeft(open) {
  if (!cart.cart) return;
  const now = { ...cart.cart, unresolved: open };
  cartShow(now);
  settle.open(now);
}

async function pay() {
  if (!socket.isAnswering) return payProblem(say("pay_offline"));
  payingShow(true);
  payProblem("");
  try {
    const answer = await fetch(options.confirm_path, {
      method: "POST",
      headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": csrfToken() },
      body: JSON.stringify({ expected_unresolved: 0, expected_total: cart.cart?.total_amount ?? null }),
      signal: AbortSignal.timeout(PAY_WAIT_MS),
    });
    const body = await answer.json();
    if (answer.ok) return leave(body.order_id);
    // Someone else has logged in, in another tab: the session is not theirs, or the form's token is the old one.
    const isForeign = (answer.status === 403 || answer.status === 404) && body.code !== "staff_needed";
    if (body.code === "session_elsewhere") return movedAway();
    if (body.code === "unresolved_items") unresolvedLeft(body.items ?? []);
    else if (body.code === "cart_changed") cartShow(body.cart);
    else lane?.payFailed(body.code);
    payProblem(isForeign ? say("elsewhere") : sayRefusal(body.code, body.detail, body.items));
  } catch (error) {
    console.error(error);
    lane?.payFailed();
    payProblem(say("pay_failed"));
  }
  payingShow(false);
}

/** Lets the shopper type what the item of a question is. @param {string | null} unresolvedId its line of the cart, if it has left */
function nameAsked(unresolvedId) {
  const item = cart.cart?.unresolved?.find((one) => one.id === unresolvedId);
  if (item) find.openFor(item);
  else find.open();
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

/** @type {Record<string, (button: HTMLElement) => void>} */
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
  ...lane?.actions,
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
  if (target instanceof HTMLElement) actions[target.dataset.action ?? ""]?.(target);
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
cart.addEventListener("pay", payOrSettle);
settle.addEventListener("pay", () => void pay());
document.addEventListener("settle", (event) => order(/** @type {CustomEvent} */ (event).detail));
document.addEventListener("name-item", (event) => find.openFor(/** @type {CustomEvent} */ (event).detail.item));
question.look = (/** @type {Box} */ box) => itemPicture(stage.look(), box);
question.addEventListener("choose", (event) => order({ type: "choose", .../** @type {CustomEvent} */ (event).detail }));
question.addEventListener("asked", () => chime("question"));
question.addEventListener("search", (event) => nameAsked(/** @type {CustomEvent} */ (event).detail.unresolvedId));
stage.addEventListener("answer", (event) => order({ type: "choose", .../** @type {CustomEvent} */ (event).detail }));
stage.addEventListener("unknown", (event) => {
  toast.hide(); // the cart still offers to take the last change back
  toast.speak(/** @type {CustomEvent} */ (event).detail.text);
  chime("question");
});
stage.zone?.addEventListener("change", (event) => zoneKeep(/** @type {CustomEvent} */ (event).detail.zone));
stage.zone?.addEventListener("closed", () => element(".tools [data-action=settings], .tools [data-action=staff]", HTMLButtonElement).focus());
find.addEventListener("correct", (event) => order({ type: "item.correct", .../** @type {CustomEvent} */ (event).detail }));
find.addEventListener("barcode", (event) => order({ type: "barcode", .../** @type {CustomEvent} */ (event).detail }));
find.addEventListener("pick", (event) => {
  const { product_id } = /** @type {CustomEvent} */ (event).detail;
  order({ type: "item.set", product_id, quantity: cart.quantityOf(product_id) + 1 });
});
scanner.addEventListener("scan", (event) => {
  const { code, field } = /** @type {CustomEvent} */ (event).detail;
  if (lane?.isShut) return;
  if (find.takesScan(code, field)) event.preventDefault();
  else scans.add(code, field);
});
scans.addEventListener("waiting", (event) => scanWarn("scan_waiting", /** @type {CustomEvent} */ (event).detail.scan));
scans.addEventListener("late", (event) => {
  const { scan } = /** @type {CustomEvent} */ (event).detail;
  scanWarn(scan.isSent ? "scan_unanswered" : "scan_late", scan);
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
if (lane) socket.openAs(lane.lane.id, uuidMake);
else void cameraKeyOfTab().then((key) => socket.openAs(key));
if (lane) lane.begin();
else if (options.start_with_clip && options.clip_path) void stage.startClip();
else void stage.offer();
