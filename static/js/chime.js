// @ts-check
// Short sounds made on the spot: two rising notes for something added, two low ones for a question.

import { preferences } from "./preferences.js";

/** @type {AudioContext | null} */
let audio = null;

/** Browsers allow sound only after the shopper touched the page. */
export function soundUnlock() {
  audio ??= new AudioContext();
  if (audio.state === "suspended") void audio.resume();
}

/** @param {number} pitch_hz @param {number} after_s @param {number} length_s */
function note(pitch_hz, after_s, length_s) {
  if (!audio) return;
  const start = audio.currentTime + after_s;
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  tone.type = "triangle";
  tone.frequency.value = pitch_hz;
  volume.gain.setValueAtTime(0.0001, start);
  volume.gain.exponentialRampToValueAtTime(0.25, start + 0.015);
  volume.gain.exponentialRampToValueAtTime(0.0001, start + length_s);
  tone.connect(volume).connect(audio.destination);
  tone.start(start);
  tone.stop(start + length_s);
}

/** @param {"added" | "question"} kind */
export function chime(kind) {
  if (!preferences.silent && audio?.state === "running") {
    if (kind === "added") {
      note(784, 0, 0.14);
      note(1175, 0.09, 0.26);
    } else {
      note(523, 0, 0.16);
      note(466, 0.14, 0.24);
    }
  }
  if (!preferences.silent && navigator.userActivation?.hasBeenActive) navigator.vibrate?.(kind === "added" ? 40 : [40, 60, 40]);
}
