// The player fetches a stream as fragmented MP4 and passes it to a video element through MediaSource.

const Source = self.ManagedMediaSource ?? self.MediaSource; // iPhones have the former only

const behind = 0.8; // seconds of a live stream to buffer at first
const calm = 60000; // ms without a stall after which the buffer of a live stream shrinks again
const ahead = 30; // seconds of a recording to buffer at most
const past = 30; // seconds to keep for going back
const retry = 1000; // ms until the next request for a stream that does not exist
const soon = 200; // ms until the next request for a stream that has ended, perhaps because its codecs have changed
const silence = 15000; // ms without data after which a live stream is requested again, since the connection may be lost
const answer = 60000; // ms without a response after which a request is sent again

// Refused is an error that another request would not fix.
class Refused extends Error {}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const happens = (target, name, signal) => new Promise((resolve, reject) => {
	target.addEventListener(name, resolve, { once: true, signal });
	signal.addEventListener("abort", () => reject(signal.reason), { once: true });
});

// Player plays one stream at a time. It dispatches "state" events, whose detail has state (connecting, waiting, playing,
// stalled, failed) and text.
export class Player extends EventTarget {
	constructor(video, still) {
		super();
		this.video = video;
		this.still = still;
		this.session = null;
		video.addEventListener("playing", () => this.#playing());
		video.addEventListener("waiting", () => this.#waiting());
		video.addEventListener("seeking", () => this.session?.seek?.());
		video.addEventListener("pause", () => this.#paused());
		video.addEventListener("play", () => this.#resumed());
		video.addEventListener("error", () => this.session?.broken?.());
		setInterval(() => this.#follow(), 250);
	}

	// play plays { url, live, duration }.
	play(stream) {
		this.stop();
		const session = { stream, abort: new AbortController(), stalls: 0, stalled: 0, since: 0, behind, bytes: 0, type: "", at: 0, started: 0, damaged: -Infinity, paused: false, reading: false, heard: 0, uneven: 0 };
		this.session = session;
		this.#tell("connecting", "Connecting…");
		const run = stream.live ? this.#live(session) : this.#recording(session);
		run.catch((error) => {
			if (!session.abort.signal.aborted) this.#fail(session, error);
		});
	}

	stop() {
		this.session?.abort.abort();
		this.session = null;
		this.state = "";
		this.video.removeAttribute("src");
		this.video.load();
		this.still.width = this.still.height = 0;
	}

	// figures returns the numbers that the page shows. Times are in seconds.
	figures() {
		const { session, video } = this;
		if (!session) return null;
		const quality = video.getVideoPlaybackQuality?.();
		const figures = {
			live: session.stream.live, type: session.type, bytes: session.bytes, stalls: session.stalls, stalled: session.stalled,
			width: video.videoWidth, height: video.videoHeight, dropped: quality?.droppedVideoFrames ?? 0, frames: quality?.totalVideoFrames ?? 0,
			delay: NaN,
		};
		const waited = this.#waited(session);
		if (waited > 0) {
			figures.stalls++;
			figures.stalled += waited;
		}
		const end = this.#end();
		if (end > 0) figures.delay = Math.max(0, end - video.currentTime) + (session.stream.live && session.at ? (performance.now() - session.at) / 1000 : 0);
		return figures;
	}

	#tell(state, text = "") {
		this.state = state;
		this.dispatchEvent(new CustomEvent("state", { detail: { state, text } }));
	}

	#fail(session, error) {
		session.abort.abort();
		this.#tell("failed", error instanceof Refused ? error.message : `It can't be played: ${error.message}`);
	}

	// #live plays a live stream until stop. Each response needs a MediaSource of its own: a response ends when the stream ends or its
	// codecs change.
	async #live(session) {
		const { signal } = session.abort;
		while (!signal.aborted) {
			let again = retry;
			try {
				const response = await this.#ask(session, session.stream.url, signal);
				if (response) {
					const buffer = await this.#open(session, response, Infinity, signal);
					if (await this.#pump(session, response, buffer, signal)) again = soon;
				}
			} catch (error) {
				if (error instanceof Refused || signal.aborted) throw error;
			}
			if (signal.aborted) return;
			this.#undecodable(session);
			this.#keepPicture();
			session.since = 0; // a stream that has ended is not stalled
			this.#tell("waiting", "Waiting for its publisher…");
			await pause(again);
		}
	}

	// #recording plays a recording. When the viewer seeks to a position that is not buffered, it requests the
	// recording again from there.
	async #recording(session) {
		const { stream } = session;
		let from = 0, buffer = null;
		for (;;) {
			const part = new AbortController();
			const signal = AbortSignal.any([session.abort.signal, part.signal]);
			session.seek = () => { if (!this.#has(this.video.currentTime)) part.abort(); };
			let complete = false;
			try {
				const response = await this.#ask(session, `${stream.url}?start=${from}`, signal);
				if (!response) throw new Refused("The recording is not there any more.");
				buffer ??= await this.#open(session, response, stream.duration, signal);
				complete = await this.#pump(session, response, buffer, signal);
			} catch (error) {
				if (error instanceof Refused || session.abort.signal.aborted) throw error;
			}
			this.#undecodable(session);
			if (complete && session.source.readyState === "open") session.source.endOfStream();
			if (!complete && !part.signal.aborted) {
				await pause(retry);
				session.abort.signal.throwIfAborted();
			}
			if (!buffer) continue;
			if (!part.signal.aborted) await this.#wanted(session, part, complete);
			if (this.#has(this.video.currentTime)) { // the next part must follow what is buffered
				from = this.#end();
				continue;
			}
			from = Math.max(0, Math.min(this.video.currentTime, (stream.duration || Infinity) - 1));
			if (session.source.readyState === "open") buffer.abort();
			await this.#remove(buffer, 0, Infinity);
		}
	}

	// #wanted waits until more of a recording is needed: until the viewer seeks or, if the recording is not complete, until playing comes
	// near the end of the buffer.
	async #wanted(session, part, complete) {
		while (!part.signal.aborted && (complete || this.#end() - this.video.currentTime > ahead / 3)) {
			await pause(200);
			session.abort.signal.throwIfAborted();
		}
	}

	// #undecodable throws if the browser can't decode the stream. It does not throw for a single error, which damaged
	// media may cause.
	#undecodable(session) {
		const { error } = this.video, now = performance.now();
		if (!error) return;
		if (now - session.damaged < 10000) throw new Refused(`This browser can't decode the stream. ${error.message}`);
		session.damaged = now;
	}

	// #ask returns a response, or null if the stream does not exist at the moment.
	async #ask(session, url, signal) {
		if (!Source) throw new Refused("This browser has no MediaSource.");
		const late = setTimeout(() => { if (!signal.aborted) this.#tell("waiting", session.stream.live ? "Waiting for its publisher…" : "Waiting for the server…"); }, retry);
		const asked = new AbortController(), lost = setTimeout(() => asked.abort(), answer);
		const response = await fetch(url, { signal: AbortSignal.any([signal, asked.signal]), cache: "no-store" }).finally(() => {
			clearTimeout(late);
			clearTimeout(lost);
		});
		if (response.status === 404 || response.status === 503) return null;
		if (!response.ok) throw new Refused((await response.text()).trim().slice(0, 300) || `The server says ${response.status}.`);
		session.type = response.headers.get("Content-Type") ?? "";
		const unplayable = unplayableCodecs(session.type);
		if (unplayable.length > 0) {
			throw new Refused(`This browser can't play ${unplayable.map(codecName).join(" and ")}.`);
		}
		return response;
	}

	// #open gives a new MediaSource to the video element, and returns its SourceBuffer.
	async #open(session, response, duration, signal) {
		this.#keepPicture();
		const source = new Source();
		this.video.disableRemotePlayback = true; // a ManagedMediaSource does not open without this
		const url = URL.createObjectURL(source);
		const opened = happens(source, "sourceopen", signal);
		this.video.src = url;
		await opened;
		URL.revokeObjectURL(url);
		session.source = source;
		session.started = 0;
		if (duration > 0) source.duration = duration;
		const buffer = source.addSourceBuffer(session.type);
		this.#start();
		return buffer;
	}

	// #start plays with sound if the browser allows it, otherwise without sound.
	async #start() {
		try {
			await this.video.play();
		} catch (error) {
			if (error.name !== "NotAllowedError" || this.video.muted) return;
			this.video.muted = true;
			this.video.play().catch(() => {});
		}
	}

	// #pump copies a response into the buffer. It returns whether the response has arrived completely.
	async #pump(session, response, buffer, signal) {
		const reader = response.body.getReader();
		session.broken = () => reader.cancel().catch(() => {});
		session.reading = true;
		session.heard = performance.now();
		try {
			for (;;) {
				const { done, value } = await reader.read();
				if (done) return !this.video.error;
				session.bytes += value.byteLength;
				session.heard = performance.now();
				await this.#append(session, buffer, value);
				session.at = performance.now();
				this.#begin(session);
				const now = this.video.currentTime;
				if (buffer.buffered.length > 0 && buffer.buffered.start(0) < now - 2 * past) await this.#remove(buffer, 0, now - past);
				while (!signal.aborted && (session.paused || !session.stream.live && this.#end() - this.video.currentTime > ahead)) await pause(200);
				signal.throwIfAborted();
			}
		} finally {
			session.broken = null;
			session.reading = false;
			reader.cancel().catch(() => {});
		}
	}

	async #append(session, buffer, bytes) {
		for (let again = true; ; again = false) {
			const done = new Promise((resolve) => buffer.addEventListener("updateend", resolve, { once: true }));
			try {
				buffer.appendBuffer(bytes);
				return await done;
			} catch (error) {
				if (error.name !== "QuotaExceededError" || !again) throw error;
				await this.#remove(buffer, 0, Math.max(0.1, this.video.currentTime - 1));
			}
		}
	}

	async #remove(buffer, from, to) {
		if (buffer.updating) await new Promise((resolve) => buffer.addEventListener("updateend", resolve, { once: true }));
		const done = new Promise((resolve) => buffer.addEventListener("updateend", resolve, { once: true }));
		buffer.remove(from, to);
		await done;
	}

	// #begin seeks to the current position of a live stream, whose times count from the beginning of its publication.
	#begin(session) {
		const { buffered } = this.video;
		if (session.started || buffered.length === 0) return;
		session.started = performance.now();
		if (session.stream.live) this.video.currentTime = Math.max(buffered.start(0), this.#end() - session.behind);
	}

	// #follow keeps a live stream near its end: it plays faster or seeks, and skips gaps.
	#follow() {
		const { session, video } = this;
		if (session && this.state === "playing" && this.#waited(session) > 0) this.#tell("stalled", "Waiting for data…");
		if (session?.stream.live && session.reading && !session.paused && performance.now() - session.heard > silence) session.broken();
		if (!session?.started || video.paused || video.seeking || video.buffered.length === 0) return;
		const now = video.currentTime, end = this.#end();
		if (!this.#has(now) || video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA) {
			for (let i = 0; i < video.buffered.length; i++) {
				const start = video.buffered.start(i);
				if (start > now && (session.stream.live || start - now < 1)) {
					video.currentTime = start + 0.01;
					return;
				}
			}
		}
		if (!session.stream.live) return;
		if (session.behind > behind && performance.now() - session.uneven > calm) {
			session.behind = Math.max(behind, session.behind - 0.4);
			session.uneven = performance.now();
		}
		const left = end - now;
		const much = performance.now() - session.started < 2000 ? 0.5 : 3; // at the beginning, much data arrives at once
		if (left > session.behind + much) video.currentTime = end - session.behind;
		else if (left > session.behind + 0.6) video.playbackRate = 1.08;
		else if (left < session.behind + 0.1) video.playbackRate = 1;
	}

	#playing() {
		const { session } = this;
		if (!session || session.stream.live && !session.reading) return; // Firefox plays the rest of a stream that has ended, and stalls again
		const waited = this.#waited(session);
		if (waited > 0) {
			session.stalls++;
			session.stalled += waited;
			session.behind = Math.min(4, session.behind + 0.4); // data arrives less evenly than expected
			session.uneven = performance.now();
		}
		session.since = 0;
		session.running = true;
		this.#tell("playing");
	}

	#waiting() {
		const { session, video } = this;
		if (session?.running && !video.seeking && this.state === "playing") session.since = performance.now();
	}

	// #waited returns how many seconds the current stall has lasted, or 0 if it is too short to be visible.
	#waited(session) {
		const waited = session.since ? (performance.now() - session.since) / 1000 : 0;
		return waited < 0.2 ? 0 : waited;
	}

	// #paused stops reading a live stream. A viewer who resumes continues with what is live then.
	#paused() {
		const { session, video } = this;
		if (!session?.stream.live || video.ended || !session.running || video.error) return;
		session.paused = true;
	}

	#resumed() {
		const { session, video } = this;
		if (!session?.paused) return;
		session.paused = false;
		session.heard = performance.now();
		if (session.started && video.buffered.length > 0) video.currentTime = Math.max(video.buffered.start(0), this.#end() - session.behind);
	}

	// #keepPicture shows the last picture while the video element has none.
	#keepPicture() {
		const { video, still } = this;
		if (video.videoWidth === 0 || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
		still.width = video.videoWidth;
		still.height = video.videoHeight;
		still.getContext("2d").drawImage(video, 0, 0);
	}

	#end() {
		const { buffered } = this.video;
		return buffered.length > 0 ? buffered.end(buffered.length - 1) : 0;
	}

	#has(time) {
		const { buffered } = this.video;
		for (let i = 0; i < buffered.length; i++) {
			if (time >= buffered.start(i) - 0.1 && time <= buffered.end(i)) return true;
		}
		return false;
	}
}

// unplayableCodecs returns the codecs of a media type that the browser can't play.
function unplayableCodecs(type) {
	if (Source.isTypeSupported(type)) return [];
	const codecs = (/codecs="([^"]*)"/.exec(type)?.[1] ?? type).split(",");
	const unplayable = codecs.filter((codec) => !Source.isTypeSupported(`video/mp4; codecs="${codec}"`));
	return unplayable.length > 0 ? unplayable : codecs;
}

// codecName returns the name of a codec of a media type, such as H.265 for hvc1.1.6.L30.90. The list of streams has such names, too, but a
// stream may be older there than in the answer for its media.
function codecName(codec) {
	const names = { avc1: "H.264", hvc1: "H.265", av01: "AV1", "mp4a.6b": "MP3", mp4a: "AAC", opus: "Opus" };
	return names[codec] ?? names[codec.split(".")[0]] ?? codec;
}
