// What a team would write instead with Go: net/http and a pool of pgx, one upsert a request.
// Usage: peer PORT DATABASE_URL
package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/jackc/pgx/v4/pgxpool"
)

const upsert = `INSERT INTO object (org_id, kind, object_id, doc, first_at, last_at, last_seq, last_event, last_received)
VALUES (2, 'opportunity', $1, $2, now(), now(), 0, '', now())
ON CONFLICT (org_id, kind, object_id) DO UPDATE SET doc = excluded.doc, last_at = excluded.last_at, last_received = excluded.last_received`

func main() {
	config, err := pgxpool.ParseConfig(os.Args[2])
	if err != nil {
		panic(err)
	}
	config.MaxConns = 32
	pool, err := pgxpool.ConnectConfig(context.Background(), config)
	if err != nil {
		panic(err)
	}
	http.HandleFunc("/v1/opportunities/", func(answer http.ResponseWriter, request *http.Request) {
		var document map[string]any
		id := strings.TrimPrefix(request.URL.Path, "/v1/opportunities/")
		body, err := io.ReadAll(request.Body)
		if err == nil {
			err = json.Unmarshal(body, &document)
		}
		if err != nil {
			http.Error(answer, err.Error(), http.StatusBadRequest)
			return
		}
		if _, err = pool.Exec(request.Context(), upsert, id, document); err != nil {
			http.Error(answer, err.Error(), http.StatusServiceUnavailable)
			return
		}
		answer.Header().Set("Content-Type", "application/json")
		json.NewEncoder(answer).Encode(map[string]string{"id": id, "outcome": "accepted"})
	})
	panic(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
