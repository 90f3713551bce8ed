// The six kinds of work of the suite `stack` with Gin and pgx.
package main

import (
	"context"
	_ "embed"
	"html/template"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	rows        = 10_000
	mostQueries = 500
	connections = 16

	selectWorld    = "SELECT id, random_number FROM world WHERE id = $1"
	selectFortunes = "SELECT id, message FROM fortune"
	updateWorlds   = `UPDATE world SET random_number = changed.random_number
		FROM unnest($1::integer[], $2::integer[]) AS changed (id, random_number)
		WHERE world.id = changed.id`
)

//go:embed fortunes.html
var fortunesTemplate string

type world struct {
	ID           int32 `json:"id"`
	RandomNumber int32 `json:"randomNumber"`
}

type fortune struct {
	ID      int32
	Message string
}

type server struct {
	pool *pgxpool.Pool
}

func main() {
	pool, err := connect(os.Getenv("DATABASE"))
	if err != nil {
		log.Fatal(err)
	}
	s := server{pool}
	router := gin.New()
	router.Use(gin.Recovery())
	router.SetHTMLTemplate(template.Must(template.New("fortunes").Parse(fortunesTemplate)))
	router.GET("/plaintext", func(c *gin.Context) { c.String(http.StatusOK, "Hello, World!") })
	router.GET("/json", func(c *gin.Context) { sendJSON(c, gin.H{"message": "Hello, World!"}, nil) })
	router.GET("/db", s.db)
	router.GET("/queries", s.queries)
	router.GET("/fortunes", s.fortunes)
	router.GET("/updates", s.updates)
	if err := router.Run(net.JoinHostPort("127.0.0.1", os.Getenv("PORT"))); err != nil {
		log.Fatal(err)
	}
}

func connect(url string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.MinConns, config.MaxConns = connections, connections
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, err
	}
	return pool, pool.Ping(context.Background())
}

func (s server) db(c *gin.Context) {
	found, err := s.world(c, randomID())
	sendJSON(c, found, err)
}

func (s server) queries(c *gin.Context) {
	worlds := make([]world, queries(c))
	for at := range worlds {
		found, err := s.world(c, randomID())
		if err != nil {
			sendJSON(c, nil, err)
			return
		}
		worlds[at] = found
	}
	sendJSON(c, worlds, nil)
}

func (s server) updates(c *gin.Context) {
	ids := distinctIDs(queries(c))
	worlds := make([]world, len(ids))
	numbers := make([]int32, len(ids))
	for at, id := range ids {
		found, err := s.world(c, id)
		if err != nil {
			sendJSON(c, nil, err)
			return
		}
		numbers[at] = randomID()
		worlds[at] = world{found.ID, numbers[at]}
	}
	_, err := s.pool.Exec(c, updateWorlds, ids, numbers)
	sendJSON(c, worlds, err)
}

func (s server) fortunes(c *gin.Context) {
	found, err := s.allFortunes(c)
	if err != nil {
		sendJSON(c, nil, err)
		return
	}
	found = append(found, fortune{0, "A fortune added at the time of the request."})
	slices.SortFunc(found, func(one, other fortune) int { return strings.Compare(one.Message, other.Message) })
	c.HTML(http.StatusOK, "fortunes", found)
}

func (s server) world(c *gin.Context, id int32) (world, error) {
	var found world
	err := s.pool.QueryRow(c, selectWorld, id).Scan(&found.ID, &found.RandomNumber)
	return found, err
}

func (s server) allFortunes(c *gin.Context) ([]fortune, error) {
	found, err := s.pool.Query(c, selectFortunes)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var fortunes []fortune
	for found.Next() {
		var next fortune
		if err := found.Scan(&next.ID, &next.Message); err != nil {
			return nil, err
		}
		fortunes = append(fortunes, next)
	}
	return fortunes, found.Err()
}

func sendJSON(c *gin.Context, body any, err error) {
	if err != nil {
		c.String(http.StatusInternalServerError, err.Error())
		return
	}
	// Gin keeps a content type that is set already; its own ends in "; charset=utf-8".
	c.Header("Content-Type", "application/json")
	c.JSON(http.StatusOK, body)
}

// The requested number of rows: 1 if the parameter is not a number, at most 500.
func queries(c *gin.Context) int {
	asked, err := strconv.Atoi(c.Query("queries"))
	if err != nil {
		return 1
	}
	return min(max(asked, 1), mostQueries)
}

func randomID() int32 { return rand.Int32N(rows) + 1 }

// In ascending order: two updates that lock rows in different orders could deadlock.
func distinctIDs(count int) []int32 {
	seen := make(map[int32]bool, count)
	for len(seen) < count {
		seen[randomID()] = true
	}
	ids := make([]int32, 0, count)
	for id := range seen {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
