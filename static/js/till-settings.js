// @ts-check
// <till-settings>: which camera, how it is shown, and how products are counted.

import { camerasList } from "./camera-source.js";
import { part } from "./dom.js";
import { say } from "./options.js";
import { preferences } from "./preferences.js";

/** Events: "camera", "mirror", "mode" (detail: {mode}). */
export class TillSettings extends HTMLElement {
  connectedCallback() {
    this.stop = new AbortController();
    const { signal } = this.stop;
    /** @type {import("./camera-source.js").CameraSource | null} */
    this.source = null;
    this.dialog = /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
    part(this, "close", HTMLButtonElement).addEventListener("click", () => this.close(), { signal });
    this.dialog.addEventListener("change", (event) => this.changed(event), { signal });
    part(this, "zoom", HTMLInputElement).addEventListener("input", () => this.zoom(), { signal });
  }

  disconnectedCallback() {
    this.stop?.abort();
    this.dialog?.close();
  }

  close() {
    this.dialog?.close();
  }

  /** @param {import("./camera-source.js").CameraSource | null} source @param {boolean} mirrored */
  async open(source, mirrored) {
    this.source = source;
    part(this, "mirror", HTMLInputElement).checked = mirrored;
    const { torch, zoom } = source?.abilities ?? { torch: false, zoom: null };
    part(this, "torch-row", HTMLElement).hidden = !torch;
    part(this, "zoom-row", HTMLElement).hidden = !zoom;
    if (zoom) {
      const { min, max, step } = zoom;
      Object.assign(part(this, "zoom", HTMLInputElement), { min, max, step });
    }
    await this.camerasShow();
    this.dialog?.showModal();
  }

  async camerasShow() {
    const select = part(this, "camera", HTMLSelectElement);
    const named = (await camerasList()).filter((camera) => camera.deviceId);
    const choices = named.map((camera, index) => {
      const label = camera.label || say("camera_number", { count: index + 1 });
      return new Option(label, camera.deviceId, false, camera.deviceId === preferences.camera);
    });
    select.replaceChildren(select.options[0], ...choices);
  }

  /** @param {"scan" | "cart" | "tray" | string} mode */
  showMode(mode) {
    const radio = this.querySelector(`input[name=mode][value="${CSS.escape(mode)}"]`);
    if (radio instanceof HTMLInputElement) radio.checked = true;
  }

  /** @param {Event} event */
  changed(event) {
    const control = /** @type {HTMLInputElement | HTMLSelectElement} */ (event.target);
    if (control.name === "mode") {
      this.dispatchEvent(new CustomEvent("mode", { detail: { mode: control.value } }));
    } else if (control.dataset.part === "camera") {
      preferences.keep({ camera: control.value });
      this.dispatchEvent(new Event("camera"));
    } else if (control instanceof HTMLInputElement && control.dataset.part === "mirror") {
      preferences.keep({ mirror: control.checked });
      this.dispatchEvent(new Event("mirror"));
    } else if (control instanceof HTMLInputElement && control.dataset.part === "torch") {
      void this.source?.adjust({ torch: control.checked });
    }
  }

  zoom() {
    void this.source?.adjust({ zoom: Number(part(this, "zoom", HTMLInputElement).value) });
  }
}

customElements.define("till-settings", TillSettings);
