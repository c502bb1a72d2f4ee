// Socket.IO's protocol, version 5, over Engine.IO's, version 4, on a WebSocket from the start
// (https://socket.io/docs/v4/socket-io-protocol, https://socket.io/docs/v4/engine-io-protocol).
// `42ID["send",{…}]` asks for an acknowledgement, which is `43ID[…]`; the room gets `42["event",{…}]`.
#define _GNU_SOURCE
#include "../load.h"
#include <stdio.h>
#include <string.h>

static void path(Conn *conn, char *to) { sprintf(to, "/socket.io/?EIO=4&transport=websocket&room=%d", conn->name); }

static void upgraded(Conn *conn) { conn->state = GREETING; }

static void frame(Conn *conn, int opcode, const char *text, size_t bytes, int64_t now) {
  if (opcode != TEXT || bytes == 0) die("room %d: opcode %d, %zu bytes", conn->room, opcode, bytes);
  const char *end = text + bytes;
  if (text[0] == '0') write_frame(conn, TEXT, "40", 2); // opened: to the main namespace
  else if (text[0] == '2') write_frame(conn, TEXT, "3", 1); // ping
  else if (bytes > 2 && text[0] == '4' && text[1] == '0') is_live(conn);
  else if (bytes > 2 && text[0] == '4' && text[1] == '3') on_ack(conn, digits_at(text + 2, end), 1, bytes, now);
  else {
    const char *content = AFTER(text, bytes, "\"content\":\"");
    if (content == NULL) die("room %d: %.*s", conn->room, bytes > 300 ? 300 : (int)bytes, text);
    on_content(conn, content, 1, bytes, now);
  }
}

static void make(Outgoing *frame) {
  put(frame, "42");
  frame->id = frame->length;
  put(frame, "0000000000[\"send\",{\"conversation_id\":\"bench-");
  frame->room = frame->length;
  put(frame, "000000\",\"content\":\"");
  put_content(frame);
  put(frame, "\",\"key\":\"k");
  frame->key = frame->length;
  put(frame, "0000000000");
  while (frame->length + 3 < 8 + common_length()) put(frame, "-");
  put(frame, "\"}]");
  close_frame(frame, TEXT);
}

const Protocol socket_io = {"socket.io", path, upgraded, frame, make};
