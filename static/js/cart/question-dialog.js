// @ts-check
// <question-dialog>: asks "A or B?" with pictures when products look alike, once for each item shown.

import { part } from "../dom.js";
import { productRow } from "./product-rows.js";

/** @typedef {import("../connection/protocol.js").Detection} Detection */

/** Events: "choose" (detail: {track, product_id}), "search", "asked". */
export class QuestionDialog extends HTMLElement {
  /** @type {Set<number>} */
  asked = new Set();
  /** @type {number | null} track the open question is about */
  track = null;

  connectedCallback() {
    this.stop = new AbortController();
    const { signal } = this.stop;
    this.dialog = /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
    part(this, "none", HTMLButtonElement).addEventListener("click", () => this.dialog?.close(), { signal });
    part(this, "search", HTMLButtonElement).addEventListener("click", () => this.search(), { signal });
    this.dialog.addEventListener("close", () => (this.track = null), { signal });
  }

  disconnectedCallback() {
    this.stop?.abort();
    this.dialog?.close();
  }

  /** On a new connection nothing is asked; a question that is still open comes with the next frame. */
  reset() {
    this.asked.clear();
    this.close();
  }

  close() {
    this.dialog?.close();
  }

  search() {
    this.close();
    this.dispatchEvent(new Event("search"));
  }

  /** @param {Detection[]} detections */
  consider(detections) {
    const answered = detections.find((one) => one.track === this.track && one.state === "accepted");
    if (answered) this.dialog?.close();
    if (this.dialog?.open || document.querySelector("dialog[open]")) return;
    const question = detections.find(
      (one) => one.state === "ambiguous" && one.choices.length > 0 && !this.asked.has(one.track),
    );
    if (question) this.ask(question);
  }

  /** @param {Detection} question */
  ask(question) {
    this.asked.add(question.track);
    this.track = question.track;
    const list = part(this, "choices", HTMLUListElement);
    const rows = question.choices.map((choice) =>
      productRow(this, "choice", choice, () => {
        const detail = { track: question.track, product_id: choice.product_id };
        this.dispatchEvent(new CustomEvent("choose", { detail }));
        this.close();
      }),
    );
    list.replaceChildren(...rows);
    this.dialog?.showModal();
    this.dispatchEvent(new Event("asked"));
  }
}

customElements.define("question-dialog", QuestionDialog);
