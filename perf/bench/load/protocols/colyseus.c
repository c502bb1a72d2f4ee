// Colyseus 0.18: a seat is reserved over HTTP, then all is binary. A message is a request, which the server answers
// (its protocol's acknowledgement); payloads are MessagePack. Codes: @colyseus/shared-types, Protocol.
#define _GNU_SOURCE
#include "../load.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { JOIN_ROOM = 10, ROOM_DATA = 13, ROOM_STATE = 14, ROOM_STATE_PATCH = 15, ROOM_REQUEST = 21, ROOM_RESPONSE = 22 };

// One request on a connection that is kept; nothing is measured yet, so it waits.
static void ask(const char *request, size_t bytes, char *answer, size_t room) {
  static int fd = -1;
  if (fd < 0) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0) die("no connection: %s", strerror(errno));
    int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }
  if (write(fd, request, bytes) != (ssize_t)bytes) die("no seat: %s", strerror(errno));
  for (size_t got = 0;;) {
    ssize_t more = read(fd, answer + got, room - 1 - got);
    if (more <= 0) die("no seat: %.*s", (int)got, answer);
    got += more;
    answer[got] = 0;
    const char *body = strstr(answer, "\r\n\r\n"), *length = strcasestr(answer, "content-length: ");
    if (body != NULL && length != NULL && answer + got >= body + 4 + strtoul(length + 16, NULL, 10)) return;
  }
}

static void text_of(const char *json, const char *name, char *to, size_t room) {
  const char *at = strstr(json, name);
  const char *end = at == NULL ? NULL : strchr(at + strlen(name), '"');
  if (end == NULL || (size_t)(end - at) - strlen(name) >= room) die("no %s in %s", name, json);
  at += strlen(name);
  memcpy(to, at, end - at);
  to[end - at] = 0;
}

static void path(Conn *conn, char *to) {
  char request[512], answer[4096], process[64], room[64], session[64], body[64];
  int body_bytes = sprintf(body, "{\"room\":\"bench-%06d\"}", conn->name);
  int bytes = sprintf(request, "POST /matchmake/joinOrCreate/bench HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    "Content-Length: %d\r\n\r\n%s", body_bytes, body);
  ask(request, bytes, answer, sizeof answer);
  text_of(answer, "\"processId\":\"", process, sizeof process);
  text_of(answer, "\"roomId\":\"", room, sizeof room);
  text_of(answer, "\"sessionId\":\"", session, sizeof session);
  sprintf(to, "/%s/%s?sessionId=%s", process, room, session);
}

static void upgraded(Conn *conn) { conn->state = JOINING; }

// A number as @colyseus/schema writes those that are whole and not negative.
static uint64_t number_at(const unsigned char *at) {
  if (*at < 0x80) return *at;
  if (*at == 0xcc) return at[1];
  if (*at == 0xcd) return at[1] | at[2] << 8;
  if (*at == 0xce) return at[1] | at[2] << 8 | at[3] << 16 | (uint64_t)at[4] << 24;
  die("number of kind %x", *at);
}

static void event(Conn *conn, const char *bytes, size_t length, int64_t now) {
  const char *content = AFTER(bytes, length, "content");
  if (content == NULL) die("room %d: data without content", conn->room);
  unsigned char kind = *content; // the header of a MessagePack string
  on_content(conn, content + (kind == 0xda ? 3 : kind == 0xd9 ? 2 : 1), 1, length, now);
}

static void frame(Conn *conn, int opcode, const char *bytes, size_t length, int64_t now) {
  if (opcode != BINARY || length == 0) die("room %d: opcode %d, %zu bytes", conn->room, opcode, length);
  switch (bytes[0] & 31) {
    case JOIN_ROOM: {
      char joined = JOIN_ROOM;
      write_frame(conn, BINARY, &joined, 1);
      is_live(conn);
      return;
    }
    case ROOM_DATA: event(conn, bytes, length, now); return;
    case ROOM_RESPONSE: on_ack(conn, number_at((const unsigned char *)bytes + 1), 1, length, now); return;
    case ROOM_STATE: case ROOM_STATE_PATCH: return;
    default: die("room %d: code %d", conn->room, bytes[0]);
  }
}

static void put_name(Outgoing *frame, const char *name) {
  char head = 0xa0 | strlen(name);
  put_bytes(frame, &head, 1);
  put(frame, "%s", name);
}

static void put_string_head(Outgoing *frame, size_t bytes) {
  unsigned char head[3] = {0xda, bytes >> 8, bytes};
  if (bytes > 255) { put_bytes(frame, head, 3); return; }
  head[0] = 0xd9;
  head[1] = bytes;
  put_bytes(frame, head, 2);
}

static void make(Outgoing *frame) {
  unsigned char head[] = {ROOM_REQUEST, 0xce, 0, 0, 0, 0}, three = 0x83;
  frame->little_endian_id = frame->length + 2;
  put_bytes(frame, head, sizeof head);
  put_name(frame, "send");
  put_bytes(frame, &three, 1);
  put_name(frame, "conversation_id");
  put_string_head(frame, 12);
  put(frame, "bench-");
  frame->room = frame->length;
  put(frame, "000000");
  put_name(frame, "content");
  put_string_head(frame, content_bytes);
  put_content(frame);
  put_name(frame, "key");
  size_t left = 8 + common_length() - frame->length - 2;
  put_string_head(frame, left < 11 ? 11 : left);
  put(frame, "k");
  frame->key = frame->length;
  put(frame, "0000000000");
  while (frame->length < 8 + common_length()) put(frame, "-");
  close_frame(frame, BINARY);
}

const Protocol colyseus = {"colyseus", path, upgraded, frame, make};
