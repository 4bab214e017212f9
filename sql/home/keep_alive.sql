-- No row: this connection lives as long as we do, and its end is noticed soon when we do not.
SET idle_in_transaction_session_timeout = 0;
SET tcp_keepalives_idle = 10;
SET tcp_keepalives_interval = 5;
SET tcp_keepalives_count = 3
