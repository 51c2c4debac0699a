//! What people do: one function an act, the same for pages, the API and the command line. Whether somebody may is asked before,
//! by their role (`web`); whether the game allows it is asked here.

mod accounts;
mod addresses;
mod alike;
mod organise;
mod submit;
mod teams;

pub use accounts::{
    Newcomer, Person, begin_session, change_password, import, invite, make_organiser, new_token, register, reset_link,
    sign_in, sign_in_token, use_reset_link,
};
pub use addresses::{confirm, confirm_again, forgot};
pub use organise::{
    apply_rejudging, begin_rejudging, cancel, decide, drop_rejudging, lock_account, move_player, preview, requeue,
    save_round, set_baseline,
};
pub(crate) use submit::not_to_choose;
pub use submit::{
    Received, Target, announce, announce_trial, choose, receive, slots, submit, submit_recording, submit_specification,
    targets,
};
pub use teams::{create_team, join_team, leave_team, renew_code};
