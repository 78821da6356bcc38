use tokio::time::advance;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn mint(tokens: &Tokens<u32>, grant: u32, user: &str) -> String {
    let token = tokens.mint(grant, user, None).unwrap();
    token.expose_secret().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_token_is_used_once_and_the_second_use_is_told() {
    let tokens = Tokens::default();
    let token = mint(&tokens, 7, "anna");
    assert_eq!(tokens.peek(&token, None), Ok(7));
    assert_eq!(tokens.peek(&token, None), Ok(7));
    assert_eq!(tokens.redeem(&token, None), Ok(7));
    assert_eq!(tokens.redeem(&token, None), Err(TokenError::Used));
    assert_eq!(tokens.peek(&token, None), Err(TokenError::Used));
    advance(TOKEN_LIFETIME + REMEMBERED - SECOND).await;
    assert_eq!(tokens.redeem(&token, None), Err(TokenError::Used));
    advance(SECOND).await;
    assert_eq!(tokens.redeem(&token, None), Err(TokenError::Unknown));
}

#[tokio::test(start_paused = true)]
async fn a_token_expires_and_a_late_use_is_told() {
    let tokens = Tokens::default();
    let (early, late) = (mint(&tokens, 1, "anna"), mint(&tokens, 2, "anna"));
    advance(TOKEN_LIFETIME - SECOND).await;
    assert_eq!(tokens.redeem(&early, None), Ok(1));
    advance(SECOND).await;
    assert_eq!(tokens.redeem(&late, None), Err(TokenError::Expired));
    assert_eq!(tokens.peek(&late, None), Err(TokenError::Expired));
    assert_eq!(tokens.redeem(&early, None), Err(TokenError::Used));
}

#[tokio::test(start_paused = true)]
async fn a_token_for_one_recipient_is_unknown_to_others_and_stays_valid() {
    let tokens = Tokens::default();
    let token = tokens.mint(1, "anna", Some("anna")).unwrap();
    let token = token.expose_secret();
    for other in [None, Some("bert"), Some("")] {
        assert_eq!(tokens.redeem(token, other), Err(TokenError::Unknown));
    }
    assert_eq!(tokens.redeem(token, Some("anna")), Ok(1));
    assert_eq!(tokens.redeem(token, Some("bert")), Err(TokenError::Unknown));
    assert_eq!(tokens.redeem(token, Some("anna")), Err(TokenError::Used));
}

#[test]
fn tokens_are_random_and_can_stand_in_a_url() {
    let tokens = Tokens::default();
    let (one, other) = (mint(&tokens, 1, "anna"), mint(&tokens, 1, "anna"));
    assert_ne!(one, other);
    assert_eq!(one.len(), 43);
    let is_url_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    assert!(one.bytes().all(is_url_safe), "{one}");
    for unknown in ["", "x", &one[1..], &format!("{one}=")] {
        assert_eq!(tokens.redeem(unknown, None), Err(TokenError::Unknown));
    }
}

#[test]
fn neither_the_store_nor_its_debug_output_has_a_token() {
    let tokens = Tokens::default();
    let token = tokens.mint(1, "anna", None).unwrap();
    assert!(!format!("{token:?}").contains(token.expose_secret()));
    let entries = tokens.entries();
    let (stored, _) = entries.iter().next().unwrap();
    assert_ne!(&stored[..], token.expose_secret().as_bytes());
}

#[tokio::test(start_paused = true)]
async fn the_oldest_token_of_a_user_makes_room_and_others_keep_theirs() {
    let tokens = Tokens::default();
    let others = mint(&tokens, 0, "bert");
    advance(SECOND / 100).await;
    let mut own = Vec::new();
    for grant in 0..=MAX_PER_USER {
        own.push(mint(&tokens, u32::try_from(grant).unwrap(), "anna"));
        advance(SECOND / 100).await;
    }
    assert_eq!(tokens.redeem(&own[0], None), Err(TokenError::Unknown));
    assert!(
        own[1..]
            .iter()
            .all(|token| tokens.redeem(token, None).is_ok())
    );
    assert_eq!(tokens.redeem(&others, None), Ok(0));
}

#[tokio::test(start_paused = true)]
async fn tokens_are_bounded_in_all() {
    let tokens = Tokens::default();
    let first = mint(&tokens, 0, "first");
    advance(SECOND / 1000).await;
    for user in 0..MAX {
        mint(&tokens, 1, &user.to_string());
    }
    assert_eq!(tokens.entries().len(), MAX);
    assert_eq!(tokens.redeem(&first, None), Err(TokenError::Unknown));
}
