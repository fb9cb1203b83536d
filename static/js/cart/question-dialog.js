// @ts-check
// <question-dialog>: asks "A or B?" with pictures when products look alike, once for each item shown, one by one.

import { part, showPicture } from "../dom.js";
import { say } from "../options.js";
import { choiceRow } from "./product-rows.js";
import { isSecondTap } from "./unresolved-items.js";

/** @typedef {import("../connection/protocol.js").Box} Box */
/** @typedef {import("../connection/protocol.js").Choice} Choice */
/** @typedef {import("../connection/protocol.js").Detection} Detection */
/** @typedef {import("../connection/protocol.js").Unresolved} Unresolved */
/** @typedef {{track: number, choices: Choice[], picture: string | null, unresolvedId: string | null}} Question
 *  unresolvedId: the line of the cart that the item became when it left unanswered */

/** Events: "choose" (detail: {track, product_id}), "settle" (detail: the command), "search" (detail: {unresolvedId}),
 *  "asked". */
export class QuestionDialog extends HTMLElement {
  /** @type {Set<number>} tracks asked about, or waiting to be */
  asked = new Set();
  /** @type {Question[]} the first is open, the others wait their turn */
  queue = [];
  /** How many were answered since the first of a row of questions was asked. */
  done = 0;
  /** @type {Question | null} what is shown now */
  shown = null;
  /** Currency of the prices shown. */
  currency = "EUR";
  /** @type {Set<string>} unresolved items of the cart before */
  open = new Set();
  /** @type {(box: Box) => string | null} cuts an item out of what the camera shows */
  look = () => null;

  connectedCallback() {
    this.stop = new AbortController();
    const { signal } = this.stop;
    this.dialog = /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
    part(this, "none", HTMLButtonElement).addEventListener("click", () => this.leave(), { signal });
    part(this, "search", HTMLButtonElement).addEventListener("click", () => this.search(), { signal });
    this.dialog.addEventListener("cancel", (event) => (event.preventDefault(), this.leave()), { signal });
    this.dialog.addEventListener("close", () => this.closed(), { signal });
    this.dialog.addEventListener("mousedown", (event) => isSecondTap(event) && event.preventDefault(), { signal });
    // A question that had to wait for another dialog is asked when that one closes; "close" does not bubble.
    document.addEventListener("close", () => this.next(), { signal, capture: true });
  }

  disconnectedCallback() {
    this.stop?.abort();
    this.dialog?.close();
  }

  /** A new connection numbers its items anew: only questions that became lines of the cart are still known. */
  reset() {
    this.asked.clear();
    this.keep((question) => question.unresolvedId !== null);
  }

  /** Asks about what is hard to tell, and drops what was answered in some other way. @param {Detection[]} detections */
  consider(detections) {
    for (const { track, state, choices, box } of detections) {
      if (state === "accepted") this.settled(track);
      else if (state === "ambiguous" && choices.length > 0 && !this.asked.has(track)) {
        this.asked.add(track);
        this.queue.push({ track, choices, picture: this.look(box), unresolvedId: null });
        if (this.shown) this.countShow();
      }
    }
    this.next();
  }

  /** Follows the lines of the cart that questions became: settled there, they are answered. @param {Unresolved[]} items */
  follow(items) {
    for (const item of items) {
      if (item.kind !== "unanswered" || this.open.has(item.id)) continue;
      const question = this.queue.find((one) => one.track === item.track && one.unresolvedId === null);
      if (question) question.unresolvedId = item.id;
    }
    this.open = new Set(items.map((item) => item.id));
    this.keep(({ unresolvedId }) => unresolvedId === null || this.open.has(unresolvedId));
  }

  /** The item was named in another way. @param {number} track */
  settled(track) {
    this.keep((question) => question.track !== track || question.unresolvedId !== null);
  }

  /** The item asked about was named in another way. */
  settledShown() {
    const { shown } = this;
    if (shown) this.keep((question) => question !== shown);
  }

  /** @param {(question: Question) => boolean} isOpen */
  keep(isOpen) {
    const before = this.queue.length;
    this.queue = this.queue.filter(isOpen);
    if (before === this.queue.length) return;
    this.done += before - this.queue.length;
    if (this.shown && !this.queue.includes(this.shown)) this.turn();
    else if (this.shown) this.countShow();
  }

  /** Leaves the open question; its item stays a matter of the cart. */
  leave() {
    this.settledShown();
  }

  search() {
    const { shown } = this;
    this.queue.shift();
    this.done += 1;
    this.shown = null;
    this.dialog?.close(); // the next question waits until the search is done
    this.dispatchEvent(new CustomEvent("search", { detail: { unresolvedId: shown?.unresolvedId ?? null } }));
  }

  /** Goes from the question just answered to the next one, or ends. */
  turn() {
    this.shown = null;
    if (this.queue.length && this.dialog?.open) this.ask(this.queue[0]);
    else this.dialog?.close();
  }

  closed() {
    if (this.shown) this.leave();
    if (!this.queue.length) this.done = 0;
    this.next();
  }

  /** Asks the next question unless a dialog is open, this one or another. */
  next() {
    if (this.shown || !this.queue.length || document.querySelector("dialog[open]")) return;
    this.dialog?.showModal();
    this.ask(this.queue[0]);
  }

  /** @param {Question} question */
  ask(question) {
    this.shown = question;
    const rows = question.choices.map((choice) =>
      choiceRow(this, "choice", choice, this.currency, (event) => {
        if (!isSecondTap(event)) this.answer(question, choice.product_id);
      }),
    );
    part(this, "choices", HTMLUListElement).replaceChildren(...rows);
    const picture = part(this, "asked-item", HTMLElement);
    picture.hidden = question.picture === null;
    showPicture(picture, question.picture);
    this.countShow();
    // On the heading, neither Enter nor a barcode that ends with one chooses anything.
    part(this, "question-heading", HTMLElement).focus();
    this.dispatchEvent(new Event("asked"));
  }

  countShow() {
    const count = this.done + this.queue.length;
    const text = part(this, "question-count", HTMLElement);
    text.textContent = say("question_of", { number: this.done + 1, count });
    text.hidden = count < 2;
  }

  /** @param {Question} question @param {string} productId */
  answer(question, productId) {
    const { track, unresolvedId } = question;
    const [name, detail] = unresolvedId
      ? ["settle", { type: "unresolved.resolve", id: unresolvedId, product_id: productId }]
      : ["choose", { track, product_id: productId }];
    this.dispatchEvent(new CustomEvent(name, { bubbles: name === "settle", detail }));
    this.keep((one) => one !== question);
  }
}

customElements.define("question-dialog", QuestionDialog);
