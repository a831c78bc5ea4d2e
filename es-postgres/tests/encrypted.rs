//! Connections that are encrypted, to a server that says who it is.

use std::{path::Path, time::Duration};

use es_core::store::{EventStore as _, Expected, StoreError};
use es_postgres::PostgresStore;
use es_tests::{database::Database, server::Server};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use sqlx::PgConnection;
use tokio::time::{sleep, timeout};

use crate::support::{append, run, stored};

fn certificate() -> CertifiedKey<rcgen::KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate")
}

/// Lets the server encrypt, under this name.
async fn encrypt(server: &Server, certificate: &CertifiedKey<rcgen::KeyPair>) {
    let key = server.place("server.key", &certificate.signing_key.serialize_pem());
    let certificate = server.place("server.crt", &certificate.cert.pem());
    let mut connection = server.connect().await;
    let settings = [("ssl_cert_file", certificate.display().to_string()), ("ssl_key_file", key.display().to_string())];
    for (name, value) in settings.into_iter().chain([("ssl", "on".to_owned())]) {
        run(&mut connection, &format!("alter system set {name} = '{value}'")).await;
    }
    run(&mut connection, "select pg_reload_conf()").await;
    let on = async {
        while !is_on(&mut connection).await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_mins(1), on).await.expect("the server encrypts");
}

async fn is_on(connection: &mut PgConnection) -> bool {
    let on = "select current_setting('ssl')::boolean";
    sqlx::query_scalar(on).fetch_one(connection).await.expect("a setting")
}

fn checked(server: &Server, root: &Path) -> String {
    let url = server.url().replace("127.0.0.1", "localhost");
    format!("{url}?sslmode=verify-full&sslrootcert={}", root.display())
}

/// Of whoever is connected besides us, how many are encrypted and how many are not.
async fn connected(server: &Server) -> (i64, i64) {
    let all = "select count(*) filter (where ssl), count(*) filter (where not ssl)
               from pg_stat_ssl join pg_stat_activity using (pid)
               where backend_type = 'client backend' and pid <> pg_backend_pid()";
    sqlx::query_as(all).fetch_one(&mut server.connect().await).await.expect("a look")
}

pub(crate) async fn a_store_is_connected_to_whom_it_trusts_and_unseen_by_others(_: Database) {
    let Some(server) = Server::start() else { return };
    let of_server = certificate();
    let root = server.place("root.crt", &of_server.cert.pem());
    let url = checked(&server, &root);

    // A server that does not encrypt is not spoken to.
    let refused = PostgresStore::connect(&url).await.map(drop).expect_err("it does not encrypt");
    assert!(matches!(refused, StoreError::Misconfigured(_)), "{refused:?}");

    encrypt(&server, &of_server).await;
    let store = PostgresStore::connect(&url).await.expect("the server is there");
    store.migrate().await.expect("it can be migrated");
    store.append(append("a", Expected::NoStream, 1_000)).await.expect("an append");
    assert_eq!(stored(&store, "a").await.len(), 1_000);
    let (encrypted, open) = connected(&server).await;
    assert!(encrypted > 0 && open == 0, "{encrypted} connections are encrypted, and {open} are not");

    // Nor is one that is somebody else. To a store that was connected it is away for a while.
    encrypt(&server, &certificate()).await;
    let end = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()
               and backend_type = 'client backend'";
    run(&mut server.connect().await, end).await;
    let refused = store.append(append("a", Expected::Any, 1)).await.expect_err("it is another");
    assert!(refused.is_unavailable(), "{refused:?}");
    encrypt(&server, &of_server).await;
    store.append(append("b", Expected::NoStream, 1)).await.expect("it is back");
    store.close().await;
    let other = server.place("other.crt", &certificate().cert.pem());
    let refused = PostgresStore::connect(&checked(&server, &other)).await.map(drop).expect_err("it is another");
    assert!(matches!(refused, StoreError::Misconfigured(_)), "{refused:?}");
    let wrong_name = checked(&server, &root).replace("localhost", "127.0.0.1");
    let refused = PostgresStore::connect(&wrong_name).await.map(drop).expect_err("it has another name");
    assert!(matches!(refused, StoreError::Misconfigured(_)), "{refused:?}");
    let nowhere = checked(&server, Path::new("/nowhere/root.crt"));
    let refused = PostgresStore::connect(&nowhere).await.map(drop).expect_err("there is no such file");
    assert!(matches!(refused, StoreError::Misconfigured(_)), "{refused:?}");
}
