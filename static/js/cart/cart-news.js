// @ts-check
// Tells what happened to the cart, by toast, sound and screen reader, and keeps what can be taken back.

import { chime } from "./chime.js";
import { money, say } from "../options.js";

/** @typedef {import("./add-toast.js").AddToast} AddToast */
/** @typedef {import("./cart-panel.js").CartPanel} CartPanel */
/** @typedef {import("../connection/protocol.js").BarcodeSeen} BarcodeSeen */
/** @typedef {import("../connection/protocol.js").CartEvent} CartEvent */
/** @typedef {import("../connection/protocol.js").Cart} Cart */

const DISAGREEMENT_STAYS_MS = 3000;

/** Returns the product that a change put in. @param {CartEvent} event @returns {string | null} */
function arrival({ action, product_id, instead_id }) {
  if (action === "add") return product_id;
  return action === "correct" ? (instead_id ?? null) : null; // undoing a correction names it as well, but takes it out
}

export class CartNews {
  /** @type {string | null} id of the last change, while it can be taken back */
  undoable = null;
  /** A barcode that contradicts the picture outshouts the addition that belongs to it. */
  disagreement = { text: "", until: -Infinity };

  /** @param {CartPanel} cart @param {AddToast} toast */
  constructor(cart, toast) {
    this.cart = cart;
    this.toast = toast;
  }

  /** Shows the new cart and says what changed. @param {CartEvent} event @param {Cart} now @param {boolean} wasAsked */
  tell(event, now, wasAsked) {
    if (event.unresolved_id) return this.open(event, now);
    const before = event.product_id ? this.cart.quantityOf(event.product_id) : 0;
    this.cart.show(now, arrival(event));
    const text = this.text(event);
    this.undoable = event.undoable ? event.id : null;
    this.cart.setUndo(this.undoable ? text : null);
    if (!this.undoable) this.toast.forgetUndo();
    const after = event.product_id ? this.cart.quantityOf(event.product_id) : 0;
    const isAnswer = event.action === "add" && event.about !== undefined;
    const isStep = event.source === "manual" && !isAnswer && before > 0 && after > 0 && !wasAsked;
    if (event.action === "sync") this.toast.speak(text);
    else if (isStep && event.action !== "undo" && event.action !== "correct") {
      this.toast.speak(say("quantity_of", { name: event.name, count: after }));
    } else this.show(event, before > 0 ? this.again(event, now) : text, now);
  }

  /** Says at once that an item was not told, or was given up; what could be taken back still can. @param {CartEvent} event @param {Cart} now */
  open({ action, unresolved_id: id }, now) {
    this.cart.show(now);
    if (action === "sync") return; // the camera settled it by itself
    const isOpened = action === "unresolved";
    const item = now.unresolved?.find((one) => one.id === id);
    if (isOpened && id) this.cart.unresolved?.stress(id);
    if (isOpened) this.toast.ask(say("unresolved_said"), item?.image);
    else this.toast.show(say("unresolved_dismissed"), { undo: false });
    chime(isOpened ? "unresolved" : "removed");
  }

  /** Says how many there are now, and the price, where one more was added. @param {CartEvent} event @param {Cart} now */
  again(event, now) {
    const line = now.items.find((item) => item.product_id === event.product_id);
    if (event.action !== "add" || !line) return this.text(event);
    const { name, quantity: count, unit_price: price } = line;
    if (price === null) return say("added_again_unpriced", { name, count });
    return say("added_again", { name, count, price: money(price, now.currency) });
  }

  /** @param {CartEvent} event @param {string} text @param {Cart} now */
  show(event, text, now) {
    const undo = this.undoable !== null;
    if (event.source === "barcode" && performance.now() < this.disagreement.until) {
      this.toast.warn(this.disagreement.text, undo);
      return;
    }
    const fresh = arrival(event);
    const line = now.items.find((item) => item.product_id === (fresh ?? event.product_id));
    this.toast.show(text, { picture: line?.image, undo });
    chime(fresh ? "added" : "removed");
  }

  /** @param {CartEvent} event */
  text({ action, name, quantity: count, instead_name: instead }) {
    switch (action) {
      case "add":
        return count > 1 ? say("added_many", { name, count }) : say("added", { name });
      case "remove":
        return count > 1 ? say("removed_many", { name, count }) : say("removed", { name });
      case "correct":
        return instead ? say("corrected", { name, instead }) : say("taken_off", { name });
      case "undo":
        return say("undone", { name });
      default:
        return say("synced");
    }
  }

  /** Says what a barcode in the picture came to; that it was added comes as news of the cart. @param {BarcodeSeen} seen */
  barcode({ code, name, product_id, agrees }) {
    if (product_id === null) {
      this.toast.warn(say("barcode_unknown", { code }));
      chime("question");
    } else if (agrees === false) {
      const text = say("barcode_disagrees", { name: name ?? code });
      this.disagreement = { text, until: performance.now() + DISAGREEMENT_STAYS_MS };
      this.toast.warn(text, this.undoable !== null);
      chime("question");
    } else if (agrees) {
      this.toast.speak(say("barcode_agrees", { name: name ?? code }));
    }
  }

  /** What was last can no longer be taken back. */
  forget() {
    this.undoable = null;
    this.cart.setUndo(null);
    this.toast.forgetUndo();
  }
}
