// @ts-check
// Short sounds made on the spot: rising notes for something added, falling ones for removed, low ones for a question,
// three of the same for an item that nobody could tell, and the lowest for a scan that was refused.

import { preferences } from "../preferences.js";

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

/** Notes as pitch in Hz, start and length in seconds; the vibration's pattern in ms. */
const KINDS = {
  added: { notes: [[784, 0, 0.14], [1175, 0.09, 0.26]], vibration: [40] },
  removed: { notes: [[784, 0, 0.14], [587, 0.09, 0.22]], vibration: [20] },
  question: { notes: [[523, 0, 0.16], [466, 0.14, 0.24]], vibration: [40, 60, 40] },
  refused: { notes: [[233, 0, 0.16], [185, 0.18, 0.34]], vibration: [90, 60, 90] },
  alert: { notes: [[880, 0, 0.14], [660, 0.17, 0.14], [880, 0.34, 0.3]], vibration: [80, 60, 80] },
  unresolved: { notes: [[392, 0, 0.12], [392, 0.17, 0.12], [392, 0.34, 0.3]], vibration: [60, 80, 60, 80, 60] },
};

/** @param {keyof typeof KINDS} kind */
export function chime(kind) {
  if (preferences.silent) return;
  const { notes, vibration } = KINDS[kind];
  if (audio?.state === "running") for (const [pitch_hz, after_s, length_s] of notes) note(pitch_hz, after_s, length_s);
  if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(vibration);
}
