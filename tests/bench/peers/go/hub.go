// hub.go - the hub's contract over gorilla/websocket, as a Go programmer would
// write it: two goroutines per client, a channel of 256 messages between the
// registry and the writing one, and clients whose channel fills up are dropped.
// Go raises the soft limit of descriptors by itself.
package main

import (
	"crypto/subtle"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	queueMessages = 256
	writeWait     = 10 * time.Second
	pongWait      = 35 * time.Second
	maxMessage    = 512 * 1024
)

type client struct {
	conn          *websocket.Conn
	user, session string
	send          chan *websocket.PreparedMessage
}

type group map[*client]struct{}

func (g group) has(c *client) bool {
	_, found := g[c]
	return found
}

// Sending to a client's channel happens under the read lock, closing it under
// the write lock.
type hub struct {
	mu       sync.RWMutex
	clients  group
	users    map[string]group
	sessions map[string]group
	ping     time.Duration
}

func join(groups map[string]group, name string, c *client) {
	if groups[name] == nil {
		groups[name] = group{}
	}
	groups[name][c] = struct{}{}
}

func leave(groups map[string]group, name string, c *client) {
	delete(groups[name], c)
	if len(groups[name]) == 0 {
		delete(groups, name)
	}
}

func (h *hub) add(c *client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clients[c] = struct{}{}
	join(h.users, c.user, c)
	if c.session != "" {
		join(h.sessions, c.session, c)
	}
}

func (h *hub) remove(c *client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.clients[c]; !ok {
		return
	}
	delete(h.clients, c)
	leave(h.users, c.user, c)
	leave(h.sessions, c.session, c)
	close(c.send)
}

// deliver queues for the groups that pick chooses; nobody gets it twice.
func (h *hub) deliver(body []byte, pick func() []group) int {
	message, err := websocket.NewPreparedMessage(websocket.TextMessage, body)
	if err != nil {
		return 0
	}
	var slow []*client
	count := 0
	h.mu.RLock()
	groups := pick()
	for i, g := range groups {
		for c := range g {
			if i > 0 && groups[0].has(c) {
				continue
			}
			select {
			case c.send <- message:
				count++
			default:
				slow = append(slow, c)
			}
		}
	}
	h.mu.RUnlock()
	for _, c := range slow {
		h.remove(c)
	}
	return count
}

// readPump lives as long as the connection; what clients say is ignored.
func (h *hub) readPump(c *client) {
	defer func() {
		h.remove(c)
		c.conn.Close()
	}()
	extend := func(string) error {
		return c.conn.SetReadDeadline(time.Now().Add(h.ping + pongWait))
	}
	c.conn.SetReadLimit(maxMessage)
	c.conn.SetPongHandler(extend)
	_ = extend("")
	for {
		if _, _, err := c.conn.NextReader(); err != nil {
			return
		}
	}
}

func (h *hub) writePump(c *client) {
	ticker := time.NewTicker(h.ping)
	defer func() {
		ticker.Stop()
		c.conn.Close()
	}()
	for {
		var err error
		select {
		case message, ok := <-c.send:
			_ = c.conn.SetWriteDeadline(time.Now().Add(writeWait))
			if !ok {
				_ = c.conn.WriteMessage(websocket.CloseMessage,
					websocket.FormatCloseMessage(websocket.CloseTryAgainLater, ""))
				return
			}
			err = c.conn.WritePreparedMessage(message)
		case <-ticker.C:
			_ = c.conn.SetWriteDeadline(time.Now().Add(writeWait))
			err = c.conn.WriteMessage(websocket.PingMessage, nil)
		}
		if err != nil {
			return
		}
	}
}

var upgrader = websocket.Upgrader{
	ReadBufferSize:  1024,
	WriteBufferSize: 1024,
	CheckOrigin:     func(*http.Request) bool { return true },
}

func (h *hub) serveWs(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	user := query.Get("userId")
	if user == "" {
		http.Error(w, "userId is missing", http.StatusBadRequest)
		return
	}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	c := &client{conn: conn, user: user, session: query.Get("sessionId"),
		send: make(chan *websocket.PreparedMessage, queueMessages)}
	h.add(c)
	go h.writePump(c)
	go h.readPump(c)
}

type message struct {
	Type    string
	Payload json.RawMessage
}

func isMessage(body []byte) bool {
	var m message
	return json.Unmarshal(body, &m) == nil && m.Type != "" && m.Payload != nil
}

func reply(w http.ResponseWriter, recipients int) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"status":"success","message":"sent","recipients":%d}`,
		recipients)
}

func (h *hub) serveBroadcast(w http.ResponseWriter, body []byte) {
	if !isMessage(body) {
		http.Error(w, "not a message", http.StatusBadRequest)
		return
	}
	reply(w, h.deliver(body, func() []group { return []group{h.clients} }))
}

func (h *hub) serveSend(w http.ResponseWriter, body []byte) {
	var order struct {
		TargetUserID    string `json:"targetUserId"`
		TargetSessionID string `json:"targetSessionId"`
		Message         json.RawMessage
	}
	if json.Unmarshal(body, &order) != nil || !isMessage(order.Message) ||
		order.TargetUserID+order.TargetSessionID == "" {
		http.Error(w, "a target or the message is missing", http.StatusBadRequest)
		return
	}
	reply(w, h.deliver(order.Message, func() []group {
		return []group{h.users[order.TargetUserID],
			h.sessions[order.TargetSessionID]}
	}))
}

func (h *hub) serveHealth(w http.ResponseWriter, _ *http.Request) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"status":"healthy","stats":{"total_users":%d,`+
		`"total_connections":%d,"total_sessions":%d}}`,
		len(h.users), len(h.clients), len(h.sessions))
}

// guarded reads the body of a POST that carries the key.
func guarded(key string, next func(http.ResponseWriter, []byte)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		given := []byte(r.Header.Get("X-API-Key"))
		if subtle.ConstantTimeCompare(given, []byte(key)) != 1 {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		if r.Method != http.MethodPost {
			http.Error(w, "POST only", http.StatusMethodNotAllowed)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage+4096))
		if err != nil {
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
			return
		}
		next(w, body)
	}
}

func main() {
	port := flag.Int("port", 8081, "where to listen on 127.0.0.1")
	ping := flag.Duration("ping", 25*time.Second, "interval of pings")
	flag.Parse()
	key := os.Getenv("HUB_API_KEY")
	if key == "" {
		log.Fatal("HUB_API_KEY is not set")
	}
	h := &hub{clients: group{}, users: map[string]group{},
		sessions: map[string]group{}, ping: *ping}
	http.HandleFunc("/ws", h.serveWs)
	http.HandleFunc("/health", h.serveHealth)
	http.HandleFunc("/api/broadcast", guarded(key, h.serveBroadcast))
	http.HandleFunc("/api/send", guarded(key, h.serveSend))
	log.Fatal(http.ListenAndServe(fmt.Sprintf("127.0.0.1:%d", *port), nil))
}
