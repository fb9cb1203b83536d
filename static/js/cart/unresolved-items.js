// @ts-check
// <unresolved-items>: what the camera could not tell, each with its picture and every way to settle it.

import { copyOf, lineStress, part, showPicture } from "../dom.js";
import { money, say } from "../options.js";
import { choiceRow } from "./product-rows.js";

/** @typedef {import("../connection/protocol.js").Unresolved} Unresolved */

/** Returns whether a click is the second of a double tap, meant for what stood there before. @param {Event} event */
export function isSecondTap(event) {
  return event instanceof MouseEvent && event.detail > 1;
}

/** Returns what to say about an item. @param {Unresolved} item */
export function unresolvedText({ kind }) {
  return say(kind === "unanswered" ? "unresolved_unanswered" : "unresolved_unknown");
}

/** Events, all bubbling: "settle" (detail: the command), "name-item" (detail: {item}). */
export class UnresolvedItems extends HTMLElement {
  /** @type {Unresolved[]} */
  items = [];
  /** @type {string | null} item of which something was asked last */
  asked = null;

  connectedCallback() {
    this.stop = new AbortController();
    this.list = part(this, "unresolved-list", HTMLUListElement);
    this.list.addEventListener("click", (event) => this.tapped(event), { signal: this.stop.signal });
  }

  disconnectedCallback() {
    this.stop?.abort();
  }

  /** @returns {Map<string, HTMLElement>} the lines by the id of their item */
  get lines() {
    const lines = /** @type {HTMLElement[]} */ ([...(this.list?.children ?? [])]);
    return new Map(lines.map((line) => [line.dataset.unresolved ?? "", line]));
  }

  /**
   * Shows what is open; lines that stay keep their place and the focus.
   * @param {Unresolved[]} items @param {string} currency
   * @returns {boolean} whether the line with the focus is gone
   */
  show(items, currency) {
    this.items = items;
    const hadFocus = this.contains(document.activeElement);
    const known = this.lines;
    items.forEach((item, index) => {
      const line = known.get(item.id) ?? this.lineMake(item, currency);
      known.delete(item.id);
      this.lineNumber(line, index + 1);
    });
    for (const line of known.values()) line.remove();
    this.hidden = items.length === 0;
    return hadFocus && !this.contains(document.activeElement);
  }

  /** @param {Unresolved} item @param {string} currency */
  lineMake(item, currency) {
    const line = copyOf(this, "unresolved-line");
    line.dataset.unresolved = item.id;
    showPicture(line, item.image);
    part(line, "unresolved-word", HTMLElement).textContent = unresolvedText(item);
    const chips = item.choices.map((choice) =>
      choiceRow(this, "unresolved-choice", choice, currency, (event) => {
        if (isSecondTap(event)) return;
        this.settle({ type: "unresolved.resolve", id: item.id, product_id: choice.product_id });
      }),
    );
    for (const [index, chip] of chips.entries()) {
      const { name, price } = item.choices[index];
      const label = price ? `${name}, ${money(price, currency)}` : name;
      chip.querySelector("button")?.setAttribute("aria-label", say("unresolved_add", { name: label }));
    }
    const list = part(line, "unresolved-choices", HTMLUListElement);
    list.replaceChildren(...chips);
    list.hidden = chips.length === 0;
    this.list?.append(line);
    return line;
  }

  /** Tells lines and their buttons apart for those who hear them. @param {HTMLElement} line @param {number} number */
  lineNumber(line, number) {
    part(line, "unresolved-number", HTMLElement).textContent = say("unresolved_number", { number });
    for (const name of ["name-item", "put_back", "not_mine"]) {
      const button = part(line, name, HTMLButtonElement);
      const text = (button.textContent ?? "").trim();
      button.setAttribute("aria-label", say("unresolved_about", { text, number }));
    }
  }

  /** @param {string} id */
  stress(id) {
    const line = this.lines.get(id);
    if (line) lineStress(line);
  }

  /** @param {Event} event */
  tapped(event) {
    const button = /** @type {Element} */ (event.target).closest("button");
    const line = /** @type {HTMLElement | null} */ (button?.closest("[data-unresolved]"));
    const item = this.items.find((one) => one.id === line?.dataset.unresolved);
    const name = button?.dataset.part;
    if (!item || isSecondTap(event)) return;
    if (name === "name-item") {
      this.dispatchEvent(new CustomEvent("name-item", { bubbles: true, detail: { item } }));
    } else if (name === "put_back" || name === "not_mine") {
      this.settle({ type: "unresolved.dismiss", id: item.id, reason: name });
    }
  }

  /** @param {{type: string, id: string} & Record<string, string>} command */
  settle(command) {
    this.asked = command.id;
    this.note("");
    this.dispatchEvent(new CustomEvent("settle", { bubbles: true, detail: command }));
  }

  /** Says at the line that was tapped last why that did not work; it stays there. @param {string} text */
  note(text) {
    const line = this.lines.get(this.asked ?? "");
    if (!line) return;
    const note = part(line, "unresolved-note", HTMLElement);
    note.textContent = text;
    note.hidden = !text;
  }
}

customElements.define("unresolved-items", UnresolvedItems);
