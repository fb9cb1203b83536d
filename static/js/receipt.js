// @ts-check
// The receipt's buttons that need the browser's help: printing, and sharing where the device can, else copying.

import { part } from "./dom.js";

class ReceiptActions extends HTMLElement {
  connectedCallback() {
    this.stop = new AbortController();
    const { signal } = this.stop;
    const print = part(this, "print", HTMLButtonElement);
    print.hidden = false;
    print.addEventListener("click", () => window.print(), { signal });
    const share = part(this, "share", HTMLButtonElement);
    share.hidden = !("share" in navigator);
    share.addEventListener("click", () => void this.share(), { signal });
    const copy = part(this, "copy", HTMLButtonElement);
    copy.hidden = !share.hidden || !navigator.clipboard;
    copy.addEventListener("click", () => void this.copy(), { signal });
  }

  disconnectedCallback() {
    this.stop?.abort();
  }

  get text() {
    const cells = (/** @type {Element} */ row) =>
      [...row.children].map((cell) => (cell.textContent ?? "").replace(/\s+/g, " ").trim()).join("  ");
    const lines = [...document.querySelectorAll(".receipt-lines :is(tbody, tfoot) tr")].map(cells);
    return [this.dataset.title ?? document.title, ...lines].join("\n");
  }

  /** The page's own address, unless only this browser may open it. */
  get address() {
    return this.dataset.private === undefined ? location.href : "";
  }

  async share() {
    const link = this.address ? { url: this.address } : {};
    try {
      await navigator.share({ title: this.dataset.title ?? document.title, text: this.text, ...link });
    } catch (error) {
      if (!(error instanceof DOMException && error.name === "AbortError")) throw error;
    }
  }

  async copy() {
    await navigator.clipboard.writeText([this.text, this.address].filter(Boolean).join("\n"));
    part(this, "copied", HTMLElement).textContent = this.dataset.copied ?? "";
  }
}

customElements.define("receipt-actions", ReceiptActions);
