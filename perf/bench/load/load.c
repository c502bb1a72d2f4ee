// A WebSocket load client: rooms of people who send and listen, closed loop or at a rate (Linux, one thread).
//
// Native, because a Node client gives out before the server does. It checks what it measures: every frame of a
// conversation comes in order, each message reaches every listener once, under the seq of its ack; else it exits 1.
// The bare relay has no seq: it is held to the count only.
//
// stdout: `measuring` when the window begins, then one JSON object. Built and called by perf/bench/load/load.ts.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { SETUP_AT_ONCE = 64, READ_BYTES = 1 << 20, FRAME_BYTES = 1 << 16, RING = 4096, MAX_EVENTS = 1024 };
static const int64_t SECOND = 1000000000LL, PATIENCE = 5 * SECOND;

typedef enum { IDLE, UPGRADING, GREETING, JOINING, LIVE } State;
typedef struct {
  int fd, room, person;
  State state;
  char *rest;       // an incomplete frame, until the next read
  size_t rest_bytes;
  uint64_t seq;     // of the last event
} Conn;
typedef struct { uint32_t owed; uint64_t seq; } Flight; // frames that a message still owes, and its seq once known
typedef struct { uint64_t next; Flight *flights; } Room;

// Options.
static int port, rooms = 1, people = 2, senders = 2, window = 1, content_bytes = 128, warm_ms = 1000, measure_ms = 3000;
static double rate = 0; // sends a second in all rooms together; 0: closed loop
static int is_relay = 0;

static Conn *conns;
static Room *all_rooms;
static int epoll, live = 0, opened = 0, in_setup = 0;
static char *in;
static char frame[FRAME_BYTES];
static size_t frame_bytes, at_id, at_room, at_time, at_number, at_key;
static int is_sending = 0, is_measured = 0;
static int64_t measured_from, measured_to, last_progress;
static uint64_t sent, in_flight, acked, delivered, ack_count, ack_bytes, event_count, event_bytes;

static void die(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fputs("load: ", stderr);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  exit(1);
}

static int64_t now_ns(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * SECOND + at.tv_nsec;
}

static double cpu_seconds(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

// Latencies: 128 buckets to each power of two, so a percentile is within 1 %.
enum { SUB_BITS = 7, BUCKETS = 64 << SUB_BITS };
static uint32_t histogram[BUCKETS];
static uint64_t recorded;

static void record(int64_t ns) {
  uint64_t value = ns < 1 ? 1 : (uint64_t)ns;
  int shift = 63 - __builtin_clzll(value) - SUB_BITS;
  if (shift < 0) shift = 0;
  histogram[((uint64_t)shift << SUB_BITS) + (value >> shift)] += 1;
  recorded += 1;
}

static double percentile_us(double share) {
  uint64_t wanted = (uint64_t)(share * recorded), seen = 0;
  for (uint64_t bucket = 0; bucket < BUCKETS; bucket += 1) {
    seen += histogram[bucket];
    if (seen <= wanted) continue;
    uint64_t shift = bucket >> SUB_BITS, base = bucket;
    if (shift > 0) { shift -= 1; base = bucket - (shift << SUB_BITS); }
    return (double)(base << shift) / 1000;
  }
  return 0;
}

static void put_digits(char *at, uint64_t value, int digits) {
  while (digits > 0) { at[--digits] = '0' + value % 10; value /= 10; }
}

static uint64_t digits_at(const char *at, const char *end) {
  uint64_t value = 0;
  while (at < end && *at >= '0' && *at <= '9') value = value * 10 + (*at++ - '0');
  return value;
}

// The text after `name`, or NULL.
static const char *after(const char *text, size_t bytes, const char *name, size_t name_bytes) {
  const char *found = memmem(text, bytes, name, name_bytes);
  return found == NULL ? NULL : found + name_bytes;
}
#define AFTER(text, bytes, name) after(text, bytes, name, sizeof(name) - 1)

// A client must mask what it sends; a mask of zeros leaves the payload as it is and costs the server the same.
static void write_frame(Conn *conn, int opcode, const char *payload, size_t bytes) {
  unsigned char head[8] = {0x80 | opcode, 0x80 | (bytes < 126 ? bytes : 126)};
  size_t head_bytes = 6;
  if (bytes >= 126) { head[2] = bytes >> 8; head[3] = bytes; head_bytes = 8; }
  struct iovec parts[2] = {{head, head_bytes}, {(void *)payload, bytes}};
  ssize_t written = writev(conn->fd, parts, 2);
  if (written != (ssize_t)(head_bytes + bytes)) die("the server does not read: %s", strerror(errno));
}

// One `send` frame with its header in front; `send_message` only puts digits into it.
static void make_frame(void) {
  char *text = frame + 8;
  size_t bytes = sprintf(text, "{\"type\":\"send\",\"id\":\"m0000000000\",\"conversation_id\":\"bench-000000\",\"content\":\"");
  at_id = 8 + 22;
  at_room = 8 + bytes - sizeof("000000\",\"content\":\"") + 1;
  at_time = 8 + bytes;
  at_number = at_time + 20;
  memset(text + bytes, 'x', content_bytes);
  text[bytes + 19] = text[bytes + 30] = ' ';
  bytes += content_bytes;
  at_key = 8 + bytes + 9;
  bytes += sprintf(text + bytes, "\",\"key\":\"k0000000000\"}") ;
  at_key += 1;
  frame[0] = (char)0x81; frame[1] = (char)(0x80 | 126);
  frame[2] = bytes >> 8; frame[3] = bytes;
  frame_bytes = 8 + bytes;
}

// `at` is when it should have been sent: a late send does not hide the wait (no coordinated omission).
static void send_message(int number_of_room, int64_t at) {
  Room *room = &all_rooms[number_of_room];
  uint64_t number = room->next++;
  Flight *flight = &room->flights[number % RING];
  if (flight->owed != 0) die("room %d: %d messages behind", number_of_room, RING);
  *flight = (Flight){people + 1, 0};
  Conn *conn = &conns[(number % senders) * rooms + number_of_room];
  put_digits(frame + at_id, number, 10);
  put_digits(frame + at_key, number, 10);
  put_digits(frame + at_room, number_of_room, 6);
  put_digits(frame + at_time, at, 19);
  put_digits(frame + at_number, number, 10);
  ssize_t written = write(conn->fd, frame, frame_bytes);
  if (written != (ssize_t)frame_bytes) die("the server does not read: %s", strerror(errno));
  sent += 1;
  in_flight += 1;
}

static void arrived(Conn *conn, uint64_t number, uint64_t seq, int64_t now) {
  Room *room = &all_rooms[conn->room];
  Flight *flight = &room->flights[number % RING];
  if (number >= room->next || flight->owed == 0) die("room %d: message %lu came once too often", conn->room, number);
  if (flight->seq == 0) flight->seq = seq;
  else if (flight->seq != seq) die("room %d: message %lu is seq %lu and %lu", conn->room, number, flight->seq, seq);
  if (--flight->owed != 0) return;
  in_flight -= 1;
  last_progress = now;
  if (is_sending && rate == 0) send_message(conn->room, now_ns());
}

static void on_ack(Conn *conn, const char *text, size_t bytes, int64_t now) {
  const char *id = AFTER(text, bytes, "\"id\":\"m"), *seq = is_relay ? NULL : AFTER(text, bytes, "\"seq\":");
  if (id == NULL || (seq == NULL && !is_relay)) die("not an ack: %.*s", (int)bytes, text);
  if (now >= measured_from && now < measured_to) acked += 1;
  ack_count += 1;
  ack_bytes += bytes;
  arrived(conn, digits_at(id, text + bytes), seq == NULL ? 1 : digits_at(seq, text + bytes), now);
}

static void on_event(Conn *conn, const char *text, size_t bytes, int64_t now) {
  uint64_t seq = 1;
  if (!is_relay) {
    const char *at = AFTER(text, bytes, "\"seq\":");
    seq = at == NULL ? 0 : digits_at(at, text + bytes);
    if (conn->seq != 0 && seq != conn->seq + 1) die("room %d: seq %lu after %lu", conn->room, seq, conn->seq);
    if (conn->seq != 0) conn->seq = seq;
  }
  const char *content = AFTER(text, bytes, "\"content\":\"");
  if (content == NULL) return; // somebody joined
  int64_t at = digits_at(content, text + bytes);
  if (now >= measured_from && now < measured_to) delivered += 1;
  if (at >= measured_from && at < measured_to) record(now_ns() - at);
  event_count += 1;
  event_bytes += bytes;
  arrived(conn, digits_at(content + 20, text + bytes), seq, now);
}

static void is_live(Conn *conn) { conn->state = LIVE; live += 1; in_setup -= 1; }

static void on_text(Conn *conn, const char *text, size_t bytes, int64_t now) {
  if (bytes < 16) die("short frame");
  switch (text[9] << 8 | text[10]) {
    case 'a' << 8 | 'c': on_ack(conn, text, bytes, now); return;
    case 'e' << 8 | 'v': on_event(conn, text, bytes, now); return;
    case 'p' << 8 | 'r': return; // presence
    case 'w' << 8 | 'e': {
      char join[128];
      write_frame(conn, 1, join, sprintf(join, "{\"type\":\"join\",\"id\":\"j\",\"conversation_id\":\"bench-%06d\",\"create\":true}", conn->room));
      conn->state = JOINING;
      return;
    }
    case 'j' << 8 | 'o': {
      const char *head = AFTER(text, bytes, "\"head_seq\":");
      conn->seq = head == NULL ? 0 : digits_at(head, text + bytes);
      if (conn->seq == 0) die("no head: %.*s", (int)bytes, text);
      return;
    }
    case 'l' << 8 | 'i': is_live(conn); return;
    default: die("room %d: %.*s", conn->room, bytes > 300 ? 300 : (int)bytes, text);
  }
}

// Bytes taken from the front: the answer to the upgrade, or whole frames.
static size_t take(Conn *conn, char *bytes, size_t length, int64_t now) {
  size_t done = 0;
  if (conn->state == UPGRADING) {
    const char *end = AFTER(bytes, length, "\r\n\r\n");
    if (end == NULL) return 0;
    if (memcmp(bytes, "HTTP/1.1 101", 12) != 0) die("no upgrade: %.*s", 60, bytes);
    done = end - bytes;
    if (is_relay) is_live(conn);
    else { conn->state = GREETING; write_frame(conn, 1, "{\"type\":\"hello\"}", 16); }
  }
  while (length - done >= 2) {
    unsigned char *at = (unsigned char *)bytes + done;
    size_t head = 2, payload = at[1];
    if (payload == 126) { head = 4; if (length - done < head) break; payload = at[2] << 8 | at[3]; }
    else if (payload == 127) {
      head = 10;
      if (length - done < head) break;
      payload = 0;
      for (int byte = 2; byte < 10; byte += 1) payload = payload << 8 | at[byte];
    }
    if (length - done < head + payload) break;
    int opcode = at[0] & 15;
    if (opcode == 1) on_text(conn, (char *)at + head, payload, now);
    else if (opcode == 9) write_frame(conn, 10, (char *)at + head, payload);
    else die("room %d: opcode %d", conn->room, opcode);
    done += head + payload;
  }
  return done;
}

static void on_readable(Conn *conn) {
  size_t kept = conn->rest_bytes;
  if (kept > 0) memcpy(in, conn->rest, kept);
  ssize_t got = read(conn->fd, in + kept, READ_BYTES - kept);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) die("room %d: the server closed a connection", conn->room);
  size_t length = kept + got, done = take(conn, in, length, now_ns());
  conn->rest_bytes = length - done;
  if (conn->rest_bytes == 0) return;
  if (conn->rest_bytes == READ_BYTES) die("a frame of over %d bytes", READ_BYTES);
  conn->rest = realloc(conn->rest, conn->rest_bytes);
  memcpy(conn->rest, in + done, conn->rest_bytes);
}

static void open_conn(Conn *conn) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  conn->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (conn->fd < 0 || connect(conn->fd, (struct sockaddr *)&to, sizeof to) < 0) die("no connection: %s", strerror(errno));
  int yes = 1;
  setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  char request[256];
  int bytes = sprintf(request, "GET /v1/ws?room=%d HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", conn->room);
  if (write(conn->fd, request, bytes) != bytes) die("no upgrade: %s", strerror(errno));
  fcntl(conn->fd, F_SETFL, O_NONBLOCK);
  conn->state = UPGRADING;
  struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = conn};
  epoll_ctl(epoll, EPOLL_CTL_ADD, conn->fd, &wanted);
  in_setup += 1;
}

// Handles what is there, after waiting until `until` at most.
static void turn(int64_t until) {
  static struct epoll_event ready[MAX_EVENTS];
  int64_t wait = until - now_ns();
  struct timespec timeout = {0, 0};
  if (wait > 0) timeout = (struct timespec){wait / SECOND, wait % SECOND};
  int count = epoll_pwait2(epoll, ready, MAX_EVENTS, &timeout, NULL);
  if (count < 0 && errno != EINTR) die("epoll: %s", strerror(errno));
  for (int index = 0; index < count; index += 1) on_readable(ready[index].data.ptr);
}

// Everyone comes in: the first of each room before the others, a few at a time.
static void set_up(void) {
  int64_t deadline = now_ns() + 60 * SECOND;
  while (live < rooms * people) {
    while (opened < rooms * people && in_setup < SETUP_AT_ONCE && (opened < rooms || live >= rooms)) open_conn(&conns[opened++]);
    turn(now_ns() + SECOND / 10);
    if (now_ns() > deadline) die("only %d of %d came in", live, rooms * people);
  }
  for (int64_t quiet = now_ns() + SECOND / 5; now_ns() < quiet;) turn(quiet);
}

static void run(void) {
  int64_t start = now_ns(), due = start;
  uint64_t next_room = 0;
  double interval = rate > 0 ? SECOND / rate : 0, cpu = 0;
  measured_from = start + warm_ms * 1000000LL;
  measured_to = measured_from + measure_ms * 1000000LL;
  last_progress = start;
  is_sending = 1;
  if (rate == 0)
    for (int room = 0; room < rooms; room += 1)
      for (int message = 0; message < window; message += 1) send_message(room, now_ns());
  for (int64_t now = start; now < measured_to; now = now_ns()) {
    if (!is_measured && now >= measured_from) {
      is_measured = 1;
      cpu = cpu_seconds();
      puts("measuring");
      fflush(stdout);
    }
    if (now - last_progress > PATIENCE && in_flight > 0) die("nothing for %ld s, %lu messages in flight", PATIENCE / SECOND, in_flight);
    while (rate > 0 && due <= now) {
      send_message(next_room % rooms, due);
      next_room += 1;
      due = start + (int64_t)(next_room * interval);
    }
    turn(rate > 0 && due < measured_to ? due : is_measured ? measured_to : measured_from);
  }
  cpu = cpu_seconds() - cpu;
  puts("measured");
  fflush(stdout);
  is_sending = 0;
  for (int64_t deadline = now_ns() + PATIENCE; in_flight > 0;) {
    turn(now_ns() + SECOND / 10);
    if (now_ns() > deadline) die("%lu messages were not acknowledged, or not delivered to all", in_flight);
  }
  double seconds = measure_ms / 1000.0;
  printf("{\"acked\":%.1f,\"delivered\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"cpu\":%.4f,\"ack_bytes\":%.1f,\"event_bytes\":%.1f,\"sent\":%lu}\n",
    acked / seconds, delivered / seconds, percentile_us(.5), percentile_us(.99), cpu / seconds,
    (double)ack_bytes / (ack_count + !ack_count), (double)event_bytes / (event_count + !event_count), sent);
}

int main(int count, char **args) {
  for (int at = 1; at + 1 < count; at += 2) {
    const char *name = args[at], *value = args[at + 1];
    struct { const char *name; int *whole; } options[] = {
      {"--port", &port}, {"--rooms", &rooms}, {"--people", &people}, {"--senders", &senders}, {"--window", &window},
      {"--content-bytes", &content_bytes}, {"--warm-ms", &warm_ms}, {"--measure-ms", &measure_ms}, {"--relay", &is_relay}};
    int is_known = strcmp(name, "--rate") == 0;
    if (is_known) rate = atof(value);
    for (size_t option = 0; option < sizeof options / sizeof *options; option += 1)
      if (strcmp(name, options[option].name) == 0) { *options[option].whole = atoi(value); is_known = 1; }
    if (!is_known) die("unknown option %s", name);
  }
  if (content_bytes < 40 || content_bytes > 8192 || window >= RING || senders > people) die("options out of range");
  prctl(PR_SET_TIMERSLACK, 1);
  alarm(60 + 2 * (unsigned)(PATIENCE / SECOND) + (warm_ms + measure_ms) / 1000);
  epoll = epoll_create1(0);
  in = malloc(READ_BYTES);
  conns = calloc((size_t)rooms * people, sizeof *conns);
  all_rooms = calloc(rooms, sizeof *all_rooms);
  for (int room = 0; room < rooms; room += 1) all_rooms[room].flights = calloc(RING, sizeof(Flight));
  // Person p of room r is at p * rooms + r: all first people come in first.
  for (int at = 0; at < rooms * people; at += 1) { conns[at].room = at % rooms; conns[at].person = at / rooms; }
  make_frame();
  set_up();
  run();
  return 0;
}
