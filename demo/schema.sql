-- Departures of airports: one stream an airport, two aggregates folded from it.

CREATE AGGREGATE airport (
    iata            varchar(4) PRIMARY KEY,
    name            text NOT NULL,
    city            text NOT NULL,
    departures      integer NOT NULL DEFAULT 0,
    minutes_late    integer NOT NULL DEFAULT 0,
    last_departure  timestamp
);

CREATE AGGREGATE flight (
    id            SERIAL PRIMARY KEY,
    origin        references airport(iata),
    destination   varchar(4) NOT NULL,
    scheduled_at  timestamp NOT NULL,
    delay         integer NOT NULL,
    distance      integer NOT NULL,
    gate          varchar(4)
);

CREATE EVENT_TYPE airport_opened (
    iata  creates airport(iata),
    name  updates airport(name),
    city  updates airport(city)
);

CREATE EVENT_TYPE flight_departed (
    id            creates flight(id),
    iata          references airport(iata) updates flight(origin),
    destination   updates flight(destination),
    scheduled_at  updates flight(scheduled_at) updates airport(last_departure),
    delay         updates flight(delay) increments airport(minutes_late),
    distance      updates flight(distance),
    departures    integer NOT NULL DEFAULT 1 increments airport(departures)
);

CREATE EVENT_TYPE gate_given (
    iata  references airport(iata),
    id    references flight(id),
    gate  varchar(4) NOT NULL updates flight(gate)
);

CREATE STREAM airport_events (
    path         "/airports/{iata}"
    event_types  (airport_opened, flight_departed, gate_given)
);
