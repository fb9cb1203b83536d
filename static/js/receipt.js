// @ts-check
// The receipt's buttons that need the browser's help: printing, and sharing where the device can.

class ReceiptActions extends HTMLElement {
  connectedCallback() {
    this.stop = new AbortController();
    const { signal } = this.stop;
    const print = this.querySelector("[data-part=print]");
    const share = this.querySelector("[data-part=share]");
    if (print instanceof HTMLButtonElement) {
      print.hidden = false;
      print.addEventListener("click", () => window.print(), { signal });
    }
    if (share instanceof HTMLButtonElement && "share" in navigator) {
      share.hidden = false;
      share.addEventListener("click", () => this.share(), { signal });
    }
  }

  disconnectedCallback() {
    this.stop?.abort();
  }

  async share() {
    const lines = [...document.querySelectorAll(".receipt-lines tr")].map((row) =>
      [...row.children].map((cell) => (cell.textContent ?? "").replace(/\s+/g, " ").trim()).join("  "),
    );
    const title = this.dataset.title ?? document.title;
    try {
      await navigator.share({ title, text: [title, ...lines.slice(1)].join("\n") });
    } catch (error) {
      if (!(error instanceof DOMException && error.name === "AbortError")) throw error;
    }
  }
}

customElements.define("receipt-actions", ReceiptActions);
