//! Sources as a fetcher brings them: repositories made in a folder, bundles on a loopback registry.
