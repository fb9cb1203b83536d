// @ts-check
// The checkout page: connects the stage, the cart and the dialogs with the till.

import { AddToast } from "./add-toast.js";
import { CartPanel } from "./cart-panel.js";
import { chime, soundUnlock } from "./chime.js";
import { ConnectionPill } from "./connection-pill.js";
import { FindProduct } from "./find-product.js";
import { FramePump } from "./frame-pump.js";
import { options, say, sayRefusal } from "./options.js";
import { preferences } from "./preferences.js";
import { ScanCamera } from "./scan-camera.js";
import { TillSettings } from "./till-settings.js";
import { TillSocket, closeCodes } from "./till-socket.js";
import { WhichOne } from "./which-one.js";

/** @typedef {import("./protocol.js").Message} Message */
/** @typedef {import("./protocol.js").CartUpdated} CartUpdated */

const HIDDEN_CAMERA_OFF_MS = 20_000;

/** @template {Element} T @param {string} name @param {new () => T} type @returns {T} */
function element(name, type) {
  const found = document.querySelector(name);
  if (!(found instanceof type)) throw new Error(`The page has no ${name}.`);
  return found;
}

const stage = element("scan-camera", ScanCamera);
const cart = element("cart-panel", CartPanel);
const which = element("which-one", WhichOne);
const find = element("find-product", FindProduct);
const settings = element("till-settings", TillSettings);
const pill = element("connection-pill", ConnectionPill);
const toast = element("add-toast", AddToast);
const till = new TillSocket(options.socket_path);
const pump = new FramePump(
  () => stage.look(),
  (frame) => till.frame(frame),
);

/** @type {{product_id: string, name: string, quantity: number} | null} */
let lastAdd = null;
let cameraOffTimer = 0;
let cameraWasOn = false;
let leaving = false;

/** @param {Record<string, unknown>} command */
function order(command) {
  if (till.command(command)) return true;
  toast.warn(say("not_sent"));
  return false;
}

/** @param {Message} message */
function heard(message) {
  switch (message.type) {
    case "session.ready":
      pump.reset();
      if (message.limits.max_fps) pump.limit(message.limits.max_fps);
      if (message.mode) settings.showMode(message.mode);
      find.currency = message.cart.currency;
      which.reset();
      cart.show(message.cart);
      break;
    case "frame.result":
      pump.answered(message.frame);
      stage.show(message.detections);
      which.consider(message.detections);
      break;
    case "cart.updated":
      cartUpdated(message);
      break;
    case "session.closed":
      till.close();
      leave(message.order_id);
      break;
    case "error":
      if (message.frame !== undefined) frameRefused(message.frame, message.code);
      else refused(sayRefusal(message.code, message.detail, message.data?.items));
      break;
    default:
  }
}

/** @param {number} frame @param {string} code */
function frameRefused(frame, code) {
  pump.answered(frame);
  if (code !== "engine_not_ready" && code !== "engine_busy") return;
  pump.rest();
  stage.say(say("not_ready"));
}

/** @param {CartUpdated} message */
function cartUpdated({ event, cart: now }) {
  const isNew = event.product_id !== null && cart.quantityOf(event.product_id) === 0;
  cart.show(now, event.action === "add" ? event.product_id : null);
  if (event.action === "add" && event.product_id) {
    lastAdd = { product_id: event.product_id, name: event.name, quantity: event.quantity };
    if (event.source !== "manual" || isNew || find.isOpen) {
      const { name, quantity: count } = event;
      toast.show(count > 1 ? say("added_many", { name, count }) : say("added", { name }));
      chime("added");
      if (find.isOpen) find.close();
    } else {
      toast.speak(say("quantity_of", { name: event.name, count: cart.quantityOf(event.product_id) }));
    }
  } else if (event.action === "remove") {
    toast.speak(say("removed", { name: event.name }));
    if (event.product_id === lastAdd?.product_id) lastAdd = null;
  } else {
    toast.speak(say("synced"));
  }
  cart.setUndo(lastAdd !== null);
}

/** @param {string} words */
function refused(words) {
  cart.forgetWishes();
  if (find.isOpen) find.say(words, true);
  else toast.warn(words);
}

/** @param {string | null} orderId */
function leave(orderId) {
  if (leaving) return; // the answer to the payment and the till's farewell arrive together
  leaving = true;
  pump.stop();
  location.assign(
    orderId ? options.receipt_path.replace("00000000-0000-0000-0000-000000000000", orderId) : location.pathname,
  );
}

/** @param {import("./till-socket.js").LinkState} state @param {number} code */
function linkChanged(state, code) {
  const words = {
    on: () => say("connected"),
    connecting: () => say(till.tries ? "reconnecting" : "connecting"),
    off: () => (navigator.onLine ? say(code === closeCodes.flooding ? "slow_down" : "reconnecting") : say("offline")),
    refused: () => say(code === closeCodes.notActive ? "ended" : "elsewhere"),
  }[state]();
  pill.show(state === "on", words);
  stage.pause(state !== "on");
  if (state === "on") pump.start();
  else {
    pump.stop();
    stage.show([]);
  }
  if (state === "refused" && code === closeCodes.unauthenticated) location.assign(options.login_path);
  if (state === "refused" && code === closeCodes.notActive) location.reload();
}

async function pay() {
  cart.setPaying(true);
  cart.problem("");
  const token = /** @type {HTMLInputElement | null} */ (document.querySelector("[name=csrfmiddlewaretoken]"));
  try {
    const answer = await fetch(options.confirm_path, {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRFToken": token?.value ?? "" },
    });
    const body = await answer.json();
    if (answer.ok) return leave(body.order_id);
    cart.problem(sayRefusal(body.code, body.detail, body.items));
  } catch (error) {
    console.error(error);
    cart.problem(say("pay_failed"));
  }
  cart.setPaying(false);
}

function undo() {
  if (!lastAdd) return;
  const { product_id, name, quantity } = lastAdd;
  const left = Math.max(0, cart.quantityOf(product_id) - quantity);
  if (order({ type: "item.set", product_id, quantity: left })) {
    lastAdd = null;
    cart.setUndo(false);
    toast.show(say("undone", { name }));
  }
}

function soundShow() {
  const button = element("[data-action=sound]", HTMLButtonElement);
  button.setAttribute("aria-pressed", String(!preferences.silent));
  element("[data-action=sound] [data-part=on]", HTMLElement).hidden = preferences.silent;
  element("[data-action=sound] [data-part=off]", HTMLElement).hidden = !preferences.silent;
}

/** @type {Record<string, () => void>} */
const actions = {
  camera: () => void stage.startCamera(),
  clip: () => {
    settings.close();
    void stage.startClip();
  },
  find: () => find.open(),
  resembles: () => {
    if (stage.resembling) which.ask(stage.resembling);
  },
  settings: () => void settings.open(stage.camera, stage.isMirrored),
  sound: () => {
    preferences.keep({ silent: !preferences.silent });
    soundShow();
  },
};

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
  if (till.isOpen) pump.start();
  stage.pause(!till.isOpen);
}

document.addEventListener("click", (event) => {
  soundUnlock();
  const target = /** @type {Element} */ (event.target).closest("[data-action]");
  if (target instanceof HTMLElement) actions[target.dataset.action ?? ""]?.();
});
document.addEventListener("keydown", soundUnlock, { once: true });
document.addEventListener("visibilitychange", visibilityChanged);
addEventListener("pagehide", () => till.close());
addEventListener("pageshow", (event) => event.persisted && location.reload());

till.addEventListener("message", (event) => heard(/** @type {CustomEvent} */ (event).detail));
till.addEventListener("state", (event) => {
  const { state, code } = /** @type {CustomEvent} */ (event).detail;
  linkChanged(state, code);
});
stage.addEventListener("source", () => stage.pause(!till.isOpen));
cart.addEventListener("quantity", (event) => {
  if (!order({ type: "item.set", .../** @type {CustomEvent} */ (event).detail })) cart.forgetWishes();
});
cart.addEventListener("undo", undo);
cart.addEventListener("pay", () => void pay());
which.addEventListener("choose", (event) => order({ type: "choose", .../** @type {CustomEvent} */ (event).detail }));
which.addEventListener("asked", () => chime("question"));
find.addEventListener("barcode", (event) => order({ type: "barcode", .../** @type {CustomEvent} */ (event).detail }));
find.addEventListener("pick", (event) => {
  const { product_id } = /** @type {CustomEvent} */ (event).detail;
  order({ type: "item.set", product_id, quantity: cart.quantityOf(product_id) + 1 });
});
settings.addEventListener("camera", () => void stage.startCamera());
settings.addEventListener("mirror", () => stage.mirror());
settings.addEventListener("mode", (event) => order({ type: "mode.set", .../** @type {CustomEvent} */ (event).detail }));

soundShow();
till.open();
if (options.start_with_clip && options.clip_path) void stage.startClip();
else void stage.offer();
