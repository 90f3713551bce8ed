// Answers GET / with {"message":"pong"}: the Gin side of the comparison.
package main

import (
	"log"
	"net"
	"net/http"
	"os"

	"github.com/gin-gonic/gin"
)

func main() {
	// Not gin.Default(): its logger writes a line for each request, which no other contender does.
	router := gin.New()
	router.Use(gin.Recovery())
	router.GET("/", func(c *gin.Context) {
		// Gin keeps a content type that is set already; its own ends in "; charset=utf-8".
		c.Header("Content-Type", "application/json")
		c.JSON(http.StatusOK, gin.H{"message": "pong"})
	})

	address := net.JoinHostPort(variable("HOST", "127.0.0.1"), variable("PORT", "8080"))
	if err := serve(router, address); err != nil {
		log.Fatal(err)
	}
}

// Serves over TLS, with HTTP/1.1 or HTTP/2, if CERTIFICATE is set; otherwise plain HTTP.
func serve(router *gin.Engine, address string) error {
	if certificate := os.Getenv("CERTIFICATE"); certificate != "" {
		return router.RunTLS(address, certificate, os.Getenv("KEY"))
	}
	return router.Run(address)
}

func variable(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}
