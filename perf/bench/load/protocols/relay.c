// A relay's frames: those of the server in number and size, and no seq. The room is in the query.
#define _GNU_SOURCE
#include "../load.h"
#include <stdio.h>

static void path(Conn *conn, char *to) { sprintf(to, "/v1/ws?room=%d", conn->name); }

static void frame(Conn *conn, int opcode, const char *text, size_t bytes, int64_t now) {
  if (opcode != TEXT && opcode != BINARY) die("room %d: opcode %d", conn->room, opcode);
  if (bytes < 16) die("short frame");
  if (text[9] == 'a') {
    const char *id = AFTER(text, bytes, "\"id\":\"m");
    if (id == NULL) die("not an ack: %.*s", (int)bytes, text);
    on_ack(conn, digits_at(id, text + bytes), 1, bytes, now);
  } else {
    const char *content = AFTER(text, bytes, "\"content\":\"");
    if (content == NULL) die("not an event: %.*s", (int)bytes, text);
    on_content(conn, content, 1, bytes, now);
  }
}

static void make(Outgoing *frame) { colloquy.make(frame); }

const Protocol relay = {"relay", path, is_live, frame, make};
