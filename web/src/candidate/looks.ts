// Whether a candidate will be seen and heard well, for their own eyes while they set up: nothing of it is sent or kept.

import { texts } from "../lib/language";
import { duration } from "../lib/time";

const DARK = 50; // of 255, the mean of a picture in which a face is hard to make out
const BRIGHT = 215;
const CLOCK_MS = 5000; // a clock may be wrong by so much before anybody wonders
const FIRST_PICTURE_MS = 3000;
const SETTLES_MS = 700; // so long a camera takes to set itself to the light

const t = texts(
  {
    light: "your camera has enough light", dark: "it is dark: switch a light on that shines at your face", bright: "it is very bright: turn away from the window or the lamp behind you",
    right: "your device and the server agree", fast: (time: string) => `your device's clock is ${time} fast; the server's counts, and you need not do anything`,
    slow: (time: string) => `your device's clock is ${time} slow; the server's counts, and you need not do anything`,
  },
  {
    light: "Ihre Kamera hat genug Licht", dark: "es ist dunkel: machen Sie ein Licht an, das auf Ihr Gesicht scheint", bright: "es ist sehr hell: drehen Sie sich weg vom Fenster oder von der Lampe hinter Ihnen",
    right: "Ihr Gerät und der Server sind sich einig", fast: (time: string) => `die Uhr Ihres Geräts geht ${time} vor; die des Servers zählt, und Sie müssen nichts tun`,
    slow: (time: string) => `die Uhr Ihres Geräts geht ${time} nach; die des Servers zählt, und Sie müssen nichts tun`,
  },
);

/** The mean luma of RGBA bytes, 0 to 255 (ITU-R BT.601). */
export function luma(pixels: Uint8ClampedArray): number {
  let sum = 0;
  for (let at = 0; at + 2 < pixels.length; at += 4) sum += 0.299 * (pixels[at] ?? 0) + 0.587 * (pixels[at + 1] ?? 0) + 0.114 * (pixels[at + 2] ?? 0);
  return pixels.length ? sum / (pixels.length / 4) : 0;
}

/** Whether there is light enough, and what helps. */
export function lightOf(mean: number): [boolean, string] {
  return mean < DARK ? [false, t.dark] : mean > BRIGHT ? [false, t.bright] : [true, t.light];
}

export async function lightWords(camera: MediaStream): Promise<[boolean, string]> {
  const video = document.createElement("video");
  Object.assign(video, { muted: true, playsInline: true, srcObject: camera });
  const patience = new Promise((_, reject) => setTimeout(reject, FIRST_PICTURE_MS));
  await Promise.race([video.play(), patience]);
  await new Promise((resolve) => setTimeout(resolve, SETTLES_MS));
  const canvas = new OffscreenCanvas(32, 24);
  const drawn = canvas.getContext("2d", { willReadFrequently: true });
  drawn?.drawImage(video, 0, 0, canvas.width, canvas.height);
  video.srcObject = null;
  return lightOf(drawn ? luma(drawn.getImageData(0, 0, canvas.width, canvas.height).data) : DARK);
}

/** `skew` is this device's clock minus the server's, in ms. */
export function clockWords(skew: number): [boolean, string] {
  if (Math.abs(skew) < CLOCK_MS) return [true, t.right];
  const time = duration(Math.abs(skew) / 1000);
  return [false, skew > 0 ? t.fast(time) : t.slow(time)];
}

/** How loud it is, 0 to 1, about ten times a second, until what is returned is called. */
export function listen(media: MediaStream, level: (loud: number) => void): () => void {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  context.createMediaStreamSource(media).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const look = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const rms = Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);
    level(Math.min(1, rms * 8)); // speech at arm's length is about a tenth of full scale
  }, 100);
  return () => {
    clearInterval(look);
    void context.close();
  };
}
