// Runs node-media-server on a free port. Its data is kept in the folder that is the first argument. Lines on stdout that
// begin with "* " say which port, and who plays and publishes what. A line on stdin is a URL to be pulled to /live/pulled.
"use strict";
const readline = require("node:readline");
const NodeMediaServer = require("node-media-server");

const server = new NodeMediaServer({
  bind: "127.0.0.1",
  rtmp: { port: "0" }, // a string: the number 0 would mean no server
  store: { path: process.argv[2] },
});
const listener = server.rtmpServer.tcpServer;
listener.on("listening", () => console.log(`* listens on ${listener.address().port}`));
server.on("postPlay", (session) => console.log(`* plays ${session.streamPath}`));
server.on("postPublish", (session) => console.log(`* publishes ${session.streamPath}`));
readline.createInterface({ input: process.stdin }).on("line", (url) => {
  server.relayServer.addTask({ url, streamPath: "/live/pulled", mode: "pull", reconnect: false });
});
server.run();
