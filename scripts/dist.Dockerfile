# jigger itself, for CI: `docker run --rm --network host IMAGE load http://127.0.0.1:8080/`.
# Its context is made by scripts/dist.sh.
FROM scratch
COPY jigger /usr/bin/jigger
COPY certs /etc/ssl/certs/
COPY tmp /tmp/
ENV PATH=/usr/bin
WORKDIR /work
ENTRYPOINT ["jigger"]
