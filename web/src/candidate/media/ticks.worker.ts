// A clock of its own thread: timers of a page that is not in front are slowed down, and this one is not.

setInterval(() => postMessage(0), 500);
