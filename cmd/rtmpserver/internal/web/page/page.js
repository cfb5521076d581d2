// This script shows the list, which it requests every second, and the state of the player.

import { Player } from "./player.js";

const $ = (id) => document.getElementById(id);
const period = 1000; // ms between two lists
const points = 60; // number of points in a plot

const cards = new Map(); // by key: { item, stream, rates }
const player = new Player($("video"), $("still"));
let current = ""; // the key of the card that is played
let unreachable = false;

const number = (value, digits = 0) => value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const join = (...parts) => parts.filter(Boolean).join(" · ");

function bitRate(bits) {
	if (bits >= 1e6) return `${number(bits / 1e6, 1)} Mbit/s`;
	return `${number(bits / 1e3)} kbit/s`;
}

function size(bytes) {
	for (const [unit, name] of [[1e9, "GB"], [1e6, "MB"]]) if (bytes >= unit) return `${number(bytes / unit, 1)} ${name}`;
	return `${number(bytes / 1e3)} kB`;
}

function time(seconds) {
	const s = Math.max(0, Math.floor(seconds)), two = (n) => String(n).padStart(2, "0");
	const clock = `${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
	if (s < 3600) return clock;
	if (s < 86400) return `${Math.floor(s / 3600)}:${clock}`;
	return `${number(Math.floor(s / 86400))} d ${Math.floor(s / 3600) % 24} h`;
}

function pictureOf({ video }) {
	if (!video) return "";
	return join(video.codec, video.width && `${video.width}×${video.height}`, video.frameRate > 0 && `${number(video.frameRate, video.frameRate < 9.95 ? 1 : 0)} fps`);
}

function soundOf({ audio }) {
	if (!audio) return "";
	return join(audio.codec, audio.sampleRate && `${number(audio.sampleRate / 1000, audio.sampleRate % 1000 ? 1 : 0)} kHz`, ["", "mono", "stereo"][audio.channels] ?? (audio.channels && `${audio.channels} channels`));
}

// address returns the URL of a stream. It escapes the name.
const address = (path) => `fmp4/${path.split("/").map(encodeURIComponent).join("/")}.mp4`;

// card returns the card of a stream, which it makes if there is none.
function card(key, template) {
	let known = cards.get(key);
	if (!known) {
		const item = $(template).content.firstElementChild.cloneNode(true);
		known = { item, button: item.querySelector("button"), rates: [] };
		known.button.addEventListener("click", () => play(key));
		cards.set(key, known);
	}
	return known;
}

function set(element, name, text) {
	const child = element.querySelector(name);
	if (child.textContent !== text) child.textContent = text;
}

function showLive(stream, now) {
	const key = `live/${stream.path}`, c = card(key, "live-card");
	const away = stream.publisher === "", since = (now - Date.parse(stream.since)) / 1000;
	c.stream = stream;
	c.item.classList.toggle("away", away);
	set(c.item, ".name", stream.path);
	set(c.item, ".viewers", `${number(stream.viewers)} ${stream.viewers === 1 ? "viewer" : "viewers"}`);
	set(c.item, ".picture", pictureOf(stream) || "no picture");
	set(c.item, ".sound", soundOf(stream) || "no sound");
	set(c.item, ".publisher", away ? "the publisher has gone" : `from ${stream.publisher}`);
	set(c.item, ".since", away ? "" : time(since));
	set(c.item, ".rate", bitRate(stream.bitRate));
	c.rates.push(stream.bitRate);
	if (c.rates.length > points) c.rates.shift();
	plot(c.item, c.rates);
	return key;
}

// plot draws the bit rates of the last minute.
function plot(item, rates) {
	const top = Math.max(...rates, 1) * 1.15;
	const at = rates.map((rate, i) => `${((points - rates.length + i) * 120 / (points - 1)).toFixed(1)} ${(27 - rate / top * 26).toFixed(1)}`);
	if (at.length < 2) return;
	item.querySelector(".line").setAttribute("d", `M${at.join("L")}`);
	item.querySelector(".area").setAttribute("d", `M${at.join("L")}L120 28L${at[0].split(" ")[0]} 28Z`);
}

function showRecording(recording, live) {
	const key = `recording/${recording.path}`, c = card(key, "recording-card");
	c.stream = recording;
	set(c.item, ".name", recording.path);
	set(c.item, ".duration", live.has(recording.path) ? "being recorded" : recording.duration ? time(recording.duration) : "");
	set(c.item, ".picture", pictureOf(recording) || "no picture");
	set(c.item, ".sound", soundOf(recording) || "no sound");
	set(c.item, ".modified", new Date(recording.modified).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }));
	set(c.item, ".size", size(recording.size));
	return key;
}

// arrange makes a list contain the cards with these keys. It adds new cards in this order, but moves no card, since a card
// may have the focus.
function arrange(list, keys) {
	let next = null;
	for (const key of keys.toReversed()) {
		const { item } = cards.get(key);
		if (!item.isConnected) list.insertBefore(item, next);
		next = item;
	}
	const shown = new Set(keys);
	for (const [key, { item }] of cards) {
		if (item.parentNode !== list || shown.has(key)) continue;
		item.remove();
		cards.delete(key);
	}
}

function show({ now, port, live, recordings }) {
	const published = new Set(live.filter((stream) => stream.publisher !== "").map((stream) => stream.path));
	arrange($("live"), live.map((stream) => showLive(stream, Date.parse(now))));
	arrange($("recordings"), recordings.map((one) => showRecording(one, published)));
	$("nobody").hidden = live.length > 0;
	$("recorded").hidden = recordings.length === 0;
	const host = `${location.hostname || "localhost"}${port && `:${port}`}`;
	$("hint").textContent = `ffmpeg -re -i film.mp4 -c copy -f flv rtmp://${host}/live/name`;
	const viewers = live.reduce((sum, stream) => sum + stream.viewers, 0);
	$("summary").textContent = join(live.length === 1 ? "1 live stream" : `${number(live.length)} live streams`, `${number(viewers)} ${viewers === 1 ? "viewer" : "viewers"}`);
	if (current) tryAgain();
	else fromAddress();
}

async function refresh() {
	try {
		const response = await fetch("api/streams", { cache: "no-store", signal: AbortSignal.timeout(10 * period) });
		if (!response.ok) throw new Error(response.statusText);
		show(await response.json());
		unreachable = false;
	} catch {
		if (!unreachable) $("summary").textContent = "The server can't be reached.";
		unreachable = true;
	}
}

// play plays the stream of a card. If the stream does not exist any more, the player waits for it.
function play(key) {
	const live = key.startsWith("live/"), path = key.slice(key.indexOf("/") + 1), stream = cards.get(key)?.stream ?? { path };
	for (const [other, { button }] of cards) button.setAttribute("aria-pressed", String(other === key));
	current = key;
	$("player").hidden = false;
	document.querySelector("main").classList.add("playing");
	$("playing").textContent = path;
	document.title = `${path} – Streams`;
	history.replaceState(null, "", `#${encodeURIComponent(key)}`);
	player.play({ url: address(path), live, duration: stream.duration });
	player.publication = stream.since;
	$("player").scrollIntoView({ block: "nearest" });
}

// tryAgain plays the current stream again if it could not be played and now has another publisher.
function tryAgain() {
	const stream = cards.get(current)?.stream;
	if (player.state === "failed" && stream?.publisher && stream.since !== player.publication) play(current);
	const button = cards.get(current)?.button;
	if (button && button.getAttribute("aria-pressed") !== "true") button.setAttribute("aria-pressed", "true");
}

// fromAddress plays the stream in the page's address.
function fromAddress() {
	let key = "";
	try {
		key = decodeURIComponent(location.hash.slice(1));
	} catch {} // the address is not valid, perhaps because a user has typed it
	if (/^(live|recording)\/./.test(key)) play(key);
}

function close() {
	const button = cards.get(current)?.button;
	player.stop();
	current = "";
	button?.setAttribute("aria-pressed", "false");
	$("player").hidden = true;
	document.querySelector("main").classList.remove("playing");
	document.title = "Streams";
	history.replaceState(null, "", location.pathname);
	button?.focus();
}

player.addEventListener("state", ({ detail: { state, text } }) => {
	$("player").dataset.state = state;
	$("message").textContent = text;
});

let before = { at: 0, bytes: 0, frames: 0 };
function showFigures() {
	const f = player.figures();
	if (!f) return;
	const at = performance.now() / 1000, passed = at - before.at;
	const stream = cards.get(current)?.stream ?? {};
	const silent = stream.audio && f.type && !/mp4a|opus/i.test(f.type);
	$("picture").textContent = f.width ? join(stream.video?.codec, `${f.width}×${f.height}`, f.frames > before.frames && `${number((f.frames - before.frames) / passed)} fps`) : "–";
	$("sound").textContent = silent ? `${stream.audio.codec}: not playable` : soundOf(stream) || "–";
	$("delay-name").textContent = f.live ? "Delay" : "Ready ahead";
	$("delay").textContent = Number.isNaN(f.delay) ? "–" : `${number(f.delay, 1)} s`;
	$("received").textContent = f.bytes >= before.bytes && before.at ? bitRate((f.bytes - before.bytes) * 8 / passed) : "–";
	$("stalls").textContent = f.stalls === 0 ? "none" : `${number(f.stalls)}, ${number(f.stalled, 1)} s`;
	$("dropped").textContent = f.dropped === 0 ? "none" : `${number(f.dropped)} of ${number(f.frames)}`;
	before = { at, bytes: f.bytes, frames: f.frames };
}

$("close").addEventListener("click", close);
addEventListener("keydown", (event) => {
	if (event.key === "Escape" && current && !document.fullscreenElement) close();
});
addEventListener("hashchange", fromAddress);
setInterval(showFigures, period);
for (;;) {
	if (!document.hidden) await refresh();
	await new Promise((resolve) => setTimeout(resolve, period));
}
